use super::*;
use base64::{Engine, prelude::BASE64_STANDARD};
use rcgen::{CertificateParams, KeyPair, PKCS_ED25519};
use std::fs;
use tempfile::TempDir;

fn signed(key: &KeyPair) -> String {
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.self_signed(key).unwrap().pem()
}

fn written(cert: &str, key: &str) -> (TempDir, Files) {
    let dir = tempfile::tempdir().unwrap();
    let files = Files {
        cert: dir.path().join("cert.pem"),
        key: dir.path().join("key.pem"),
    };
    fs::write(&files.cert, cert).unwrap();
    fs::write(&files.key, key).unwrap();
    (dir, files)
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}

/// What a load says is wrong, after the name of the file.
fn refused(cert: &str, key: &str) -> String {
    let (_dir, files) = written(cert, key);
    let bad = Certificate::load(&files).unwrap_err();
    let name = bad.file.file_name().unwrap().to_string_lossy().into_owned();
    format!("{name}: {}", bad.reason)
}

#[test]
fn keys_of_several_kinds_and_chains_are_taken() {
    let key = KeyPair::generate().unwrap();
    let other = KeyPair::generate().unwrap();
    let chain = signed(&key) + "words between are nothing\n" + &signed(&other);
    let (_dir, files) = written(&chain, &key.serialize_pem());
    let certificate = Certificate::load(&files).unwrap();
    assert_eq!(certificate.key.cert.len(), 2);
    assert_eq!(certificate.fingerprint.split(':').count(), 32);

    let ed25519 = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let (_dir, files) = written(&signed(&ed25519), &ed25519.serialize_pem());
    Certificate::load(&files).unwrap();

    // SEC1 is the last octet string of PKCS#8; here it stands after 29 bytes, of which the last is its length.
    let pkcs8 = key.serialize_der();
    let (before, sec1) = pkcs8.split_at(29);
    assert_eq!(usize::from(before[28]), sec1.len(), "an octet string to the end");
    let (_dir, files) = written(&signed(&key), &pem("EC PRIVATE KEY", sec1));
    Certificate::load(&files).unwrap();
}

#[test]
fn what_cannot_be_used_names_the_file_and_the_reason() {
    let key = KeyPair::generate().unwrap();
    let (cert, pkcs8) = (signed(&key), key.serialize_pem());
    let other = KeyPair::generate().unwrap().serialize_pem();
    let cut: String = cert.lines().take(4).map(|line| format!("{line}\n")).collect();
    let cases = [
        (
            cert.as_str(),
            other.as_str(),
            "key.pem: this key does not belong to the certificate",
        ),
        ("", &pkcs8, "cert.pem: holds no certificate"),
        (&pkcs8, &cert, "cert.pem: holds no certificate"),
        (&cut, &pkcs8, "cert.pem: is cut off"),
        (&cert, "", "key.pem: holds no private key"),
        (&cert, &cert, "key.pem: holds no private key"),
    ];
    for (cert, key, words) in cases {
        let said = refused(cert, key);
        assert!(said.contains(words), "{said}");
    }
    let said = refused(&pem("CERTIFICATE", b"nonsense"), &pkcs8);
    assert!(
        said.starts_with("cert.pem: its first certificate is no X.509"),
        "{said}"
    );
    let said = refused(&cert, &pem("PRIVATE KEY", b"nonsense"));
    assert!(
        said.contains("key.pem: this kind of key is not supported"),
        "{said}"
    );
    let locked = pem("ENCRYPTED PRIVATE KEY", b"nonsense");
    let said = refused(&cert, &locked);
    assert!(
        said.contains("key.pem") && said.contains("without a password"),
        "{said}"
    );
    let said = refused(&"x".repeat(1024 * 1024 + 1), &pkcs8);
    assert!(said.contains("cert.pem: is larger than 1 MiB"), "{said}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let key = KeyPair::generate().unwrap();
    let (dir, files) = written(&signed(&key), &key.serialize_pem());
    fs::remove_file(&files.key).unwrap();
    let said = Certificate::load(&files).unwrap_err().to_string();
    assert!(
        said.contains("key.pem") && said.contains("cannot be read"),
        "{said}"
    );
    let folder = Files {
        cert: dir.path().to_owned(),
        ..files
    };
    assert!(
        Certificate::load(&folder)
            .unwrap_err()
            .reason
            .contains("cannot be read")
    );
}
