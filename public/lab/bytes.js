/**
 * What travels, in bytes, as far as a script in a browser can know it: frames of WebSocket exactly, bodies exactly, heads of
 * responses from the headers that a script may read, requests from what it knows about them. The rest is an estimate, and
 * the page marks it so. What TLS, TCP and IP add is the same for all carriers and is not counted.
 */

export const bytesIn = (text) => new TextEncoder().encode(text).length;

/** A WebSocket message with its frame header from the server (RFC 6455, 5.2). Exact: Farol does not compress frames. */
export function frameBytes(text) {
  const length = bytesIn(text);
  return length + (length < 126 ? 2 : length < 65_536 ? 4 : 10);
}

/** A piece of a response of unknown length: its size in hexadecimal and two line ends around it (RFC 9112, 7.1). */
export const chunkBytes = (length) => length + length.toString(16).length + 4;

/** The head of a response, from the headers that a script may see. */
export function headBytes(response) {
  let bytes = `HTTP/1.1 ${response.status} ${response.statusText}\r\n\r\n`.length;
  for (const [name, value] of response.headers) bytes += name.length + value.length + 4;
  return bytes;
}

/** A request, from what a script knows about it. The session cookie is hidden from scripts: its usual length stands in. */
export function requestBytes(method, path, body) {
  const { userAgent, userAgentData, languages } = navigator;
  const head = [
    `${method} ${path} HTTP/1.1`,
    `Host: ${location.host}`,
    "Connection: keep-alive",
    `User-Agent: ${userAgent}`,
    "Accept: */*",
    "Accept-Encoding: gzip, deflate, br, zstd",
    `Accept-Language: ${languages.join(",")}`,
    "Sec-Fetch-Site: same-origin",
    "Sec-Fetch-Mode: cors",
    "Sec-Fetch-Dest: empty",
    `Referer: ${location.href}`,
    `Cookie: __Host-farol=${"x".repeat(22)}; ${document.cookie}`,
  ];
  if (userAgentData) {
    const brands = userAgentData.brands.map(({ brand, version }) => `"${brand}";v="${version}"`);
    head.push(`sec-ch-ua: ${brands.join(", ")}`, "sec-ch-ua-mobile: ?0", `sec-ch-ua-platform: "${userAgentData.platform}"`);
  }
  if (body) head.push(`Origin: ${location.origin}`, "Content-Type: text/plain;charset=UTF-8", `Content-Length: ${body.length}`);
  return bytesIn(head.join("\r\n")) + 4 + (body ? bytesIn(body) : 0);
}
