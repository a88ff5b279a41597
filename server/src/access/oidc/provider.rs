//! What the provider says of itself and of its keys, and the requests to it. Each request is bounded in time and size, follows no
//! redirect, and goes by TLS except on loopback. The description is kept for an hour; a token that is signed with a key that is
//! not in it makes us look again, at most every ten seconds, so that keys may be rotated at any time.

use super::config::OidcConfig;
use anyhow::Context;
use openidconnect::{
    AdditionalClaims, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret,
    EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse,
    IdTokenFields, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeVerifier, RedirectUrl,
    SignatureVerificationError, StandardErrorResponse, StandardTokenResponse, TokenResponse,
    core::{
        CoreAuthDisplay, CoreAuthPrompt, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
        CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreProviderMetadata, CoreRevocableToken,
        CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// One request, from connecting to the last byte.
const REQUEST_WITHIN: Duration = Duration::from_secs(10);
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Bytes of an answer at most.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;
const KEEP_FOR: Duration = Duration::from_secs(3600);
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(10);
/// Who asks so shortly after a failure gets the same answer at once, so that nobody queues up behind a provider that is away.
const FAILED_FOR: Duration = Duration::from_secs(3);

/// All claims that the standard does not name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OtherClaims(Map<String, Value>);

impl AdditionalClaims for OtherClaims {}

type Fields = IdTokenFields<
    OtherClaims,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
type Tokens = StandardTokenResponse<Fields, CoreTokenType>;

/// The library's client with a provider's description.
pub type Client = openidconnect::Client<
    OtherClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// Signatures that are believed: those that only the provider can make.
fn believed() -> Vec<CoreJwsSigningAlgorithm> {
    use CoreJwsSigningAlgorithm as A;
    vec![
        A::RsaSsaPkcs1V15Sha256,
        A::RsaSsaPkcs1V15Sha384,
        A::RsaSsaPkcs1V15Sha512,
        A::RsaSsaPssSha256,
        A::RsaSsaPssSha384,
        A::RsaSsaPssSha512,
        A::EcdsaP256Sha256,
        A::EcdsaP384Sha384,
        A::EdDsa,
    ]
}

/// Why there are no claims.
#[derive(Debug, thiserror::Error)]
pub enum ProviderFault {
    /// It may work later.
    #[error("the provider cannot be reached: {0}")]
    Unreachable(String),
    /// It will not work again with the same.
    #[error("the provider's answer does not hold: {0}")]
    Refused(String),
}

/// A request to the provider did not come to an answer.
#[derive(Debug, thiserror::Error)]
pub enum RequestFault {
    #[error("{0}")]
    Sent(#[from] reqwest::Error),
    #[error("the answer has more than {MAX_ANSWER_BYTES} bytes")]
    TooLarge,
    #[error("{0}")]
    Http(#[from] http::Error),
}

/// See the module.
pub struct Provider {
    http: reqwest::Client,
    issuer: IssuerUrl,
    client_id: ClientId,
    secret: Option<ClientSecret>,
    /// An async lock: who waits for it waits for the same answer, and the wait is bounded as the request is.
    described: Mutex<Described>,
}

/// What is known of the provider, and since when.
#[derive(Default)]
struct Described {
    found: Option<(CoreProviderMetadata, Instant)>,
    failed: Option<(String, Instant)>,
}

impl Provider {
    pub fn new(config: &OidcConfig) -> anyhow::Result<Provider> {
        let issuer = config.issuer.clone().unwrap_or_default();
        let mut http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_WITHIN)
            .timeout(REQUEST_WITHIN);
        if issuer.starts_with("http://") {
            // On loopback only, see the configuration's check.
            http = http.no_proxy();
        }
        for certificate in rustls_native_certs::load_native_certs().certs {
            http = http.add_root_certificate(reqwest::Certificate::from_der(&certificate)?);
        }
        let secret = config.secret().map_err(anyhow::Error::msg)?;
        Ok(Provider {
            http: http.build().context("no HTTP client for oidc can be made")?,
            issuer: IssuerUrl::new(issuer).context("oidc.issuer")?,
            client_id: ClientId::new(config.client_id.clone()),
            secret: secret.map(|secret| ClientSecret::new(secret.0)),
            described: Mutex::default(),
        })
    }

    pub fn issuer(&self) -> &str {
        self.issuer.as_str()
    }

    /// A client with the description that is known, not older than it may be.
    pub async fn client(&self, redirect_uri: &str) -> Result<Client, ProviderFault> {
        self.described_client(redirect_uri, KEEP_FOR).await
    }

    async fn described_client(&self, redirect_uri: &str, keep: Duration) -> Result<Client, ProviderFault> {
        let mut described = self.described.lock().await;
        if described.found.as_ref().is_none_or(|(_, at)| at.elapsed() > keep) {
            if let Some((why, at)) = &described.failed
                && at.elapsed() < FAILED_FOR
            {
                return Err(ProviderFault::Unreachable(why.clone()));
            }
            match CoreProviderMetadata::discover_async(self.issuer.clone(), &self.requests()).await {
                Ok(found) => described.found = Some((found, Instant::now())),
                Err(error) => {
                    let why = chain(&error);
                    described.failed = Some((why.clone(), Instant::now()));
                    return Err(ProviderFault::Unreachable(why));
                }
            }
        }
        let Some((metadata, _)) = described.found.as_ref() else {
            return Err(ProviderFault::Unreachable("nothing is known of it".to_owned()));
        };
        let redirect = RedirectUrl::new(redirect_uri.to_owned())
            .map_err(|error| ProviderFault::Refused(format!("the way back: {error}")))?;
        let client =
            Client::from_provider_metadata(metadata.clone(), self.client_id.clone(), self.secret.clone());
        Ok(client.set_redirect_uri(redirect))
    }

    /// Gives the code back for a token and checks it: signature, issuer, audience, times, nonce. All its claims.
    pub async fn claims(
        &self,
        redirect_uri: &str,
        code: String,
        verifier: PkceCodeVerifier,
        nonce: &Nonce,
    ) -> Result<Map<String, Value>, ProviderFault> {
        let client = self.client(redirect_uri).await?;
        let request = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|error| ProviderFault::Refused(error.to_string()))?;
        let tokens = request
            .set_pkce_verifier(verifier)
            .request_async(&self.requests())
            .await
            .map_err(|error| match error {
                openidconnect::RequestTokenError::Request(error) => ProviderFault::Unreachable(chain(&error)),
                error => ProviderFault::Refused(chain(&error)),
            })?;
        match checked(&client, &tokens, nonce) {
            Err(ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey,
            )) => {
                let fresh = self.described_client(redirect_uri, LOOK_AGAIN_AFTER).await?;
                checked(&fresh, &tokens, nonce)
            }
            checked => checked,
        }
        .map_err(|error| ProviderFault::Refused(chain(&error)))
    }

    /// The library's requests, sent within our bounds.
    fn requests(
        &self,
    ) -> impl Fn(HttpRequest) -> futures::future::BoxFuture<'static, Result<HttpResponse, RequestFault>> + use<>
    {
        let http = self.http.clone();
        move |request| {
            let http = http.clone();
            Box::pin(async move {
                let mut answer = http.execute(request.try_into()?).await?;
                let mut response = http::Response::builder().status(answer.status());
                if let Some(headers) = response.headers_mut() {
                    headers.clone_from(answer.headers());
                }
                let mut body = Vec::new();
                while let Some(chunk) = answer.chunk().await? {
                    if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                        return Err(RequestFault::TooLarge);
                    }
                    body.extend_from_slice(&chunk);
                }
                Ok(response.body(body)?)
            })
        }
    }
}

fn checked(
    client: &Client,
    tokens: &Tokens,
    nonce: &Nonce,
) -> Result<Map<String, Value>, ClaimsVerificationError> {
    let other = |error: &dyn std::fmt::Display| ClaimsVerificationError::Other(error.to_string());
    let token = tokens
        .id_token()
        .ok_or_else(|| other(&"the provider sent no ID token"))?;
    let verifier = client.id_token_verifier().set_allowed_algs(believed());
    let claims = token.claims(&verifier, nonce)?;
    if let Some(expected) = claims.access_token_hash() {
        let algorithm = token.signing_alg().map_err(|error| other(&error))?;
        let key = token.signing_key(&verifier).map_err(|error| other(&error))?;
        let actual = openidconnect::AccessTokenHash::from_token(tokens.access_token(), algorithm, key)
            .map_err(|error| other(&error))?;
        if actual != *expected {
            return Err(other(&"the ID token belongs to another access token"));
        }
    }
    match serde_json::to_value(claims) {
        Ok(Value::Object(claims)) => Ok(claims),
        _ => Err(other(&"the claims cannot be read")),
    }
}

/// An error with its causes, in one line. The library's own words carry no token.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text.chars().filter(|c| !c.is_control()).take(400).collect()
}
