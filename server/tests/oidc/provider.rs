//! A small OpenID provider on loopback: discovery, keys, authorization, token. Real keys, real signatures; and it misbehaves in
//! the ways that a test asks for.

use axum::{
    Form, Json, Router,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use rsa::{pkcs1v15::SigningKey, signature::SignatureEncoding, signature::Signer, traits::PublicKeyParts};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};
use tokio::net::TcpListener;

/// What a test may ask it to do.
#[derive(Debug, Clone, Default)]
pub struct Script {
    /// Claims that replace or join those of a good token.
    pub claims: Value,
    /// Signed by a key that is not the provider's, under the name of one that is.
    pub forged: bool,
    /// Of algorithm `none`, without a signature.
    pub unsigned: bool,
    /// The token's last character is another one.
    pub damaged: bool,
    /// Signed with the client's secret (HS256), as an attacker would who knows only the public key.
    pub symmetric: bool,
    /// ES256 instead of RS256.
    pub elliptic: bool,
    /// The token endpoint never answers.
    pub silent: bool,
}

pub struct Provider {
    pub issuer: String,
    pub script: Mutex<Script>,
    keys: Mutex<Keys>,
    /// What each code was given for: nonce, challenge, redirect.
    codes: Mutex<HashMap<String, (String, String, String)>>,
    /// How often its keys were asked for.
    pub looks: Mutex<u32>,
}

struct Keys {
    name: u32,
    rsa: SigningKey<Sha256>,
    elliptic: EcdsaKeyPair,
}

impl Keys {
    fn new(name: u32) -> Keys {
        let rsa = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap();
        Keys {
            name,
            rsa: SigningKey::new(rsa),
            elliptic: elliptic(),
        }
    }
}

fn elliptic() -> EcdsaKeyPair {
    let random = SystemRandom::new();
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap()
}

pub const SECRET: &str = "the client's secret";

impl Provider {
    pub async fn start() -> Arc<Provider> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let provider = Arc::new(Provider {
            issuer: format!("http://{}", listener.local_addr().unwrap()),
            script: Mutex::default(),
            keys: Mutex::new(Keys::new(1)),
            codes: Mutex::default(),
            looks: Mutex::default(),
        });
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(describe))
            .route("/keys", get(keys))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        provider
    }

    pub fn script(&self, script: Script) {
        *self.script.lock().unwrap() = script;
    }

    /// New keys; those before are gone.
    pub fn rotate(&self) {
        let mut keys = self.keys.lock().unwrap();
        *keys = Keys::new(keys.name + 1);
    }

    fn sign(&self, claims: &Value, script: &Script) -> String {
        let keys = self.keys.lock().unwrap();
        let (algorithm, kid) = match script {
            Script { unsigned: true, .. } => ("none", String::new()),
            Script { symmetric: true, .. } => ("HS256", String::new()),
            Script { elliptic: true, .. } => ("ES256", format!("e{}", keys.name)),
            _ => ("RS256", format!("r{}", keys.name)),
        };
        let mut header = json!({ "alg": algorithm, "typ": "JWT" });
        if !kid.is_empty() {
            header["kid"] = json!(kid);
        }
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(claims));
        let other = script.forged.then(|| Keys::new(keys.name));
        let keys = other.as_ref().unwrap_or(&keys);
        let signature = match algorithm {
            "none" => Vec::new(),
            "HS256" => {
                let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET.as_bytes());
                ring::hmac::sign(&key, signed.as_bytes()).as_ref().to_vec()
            }
            "ES256" => {
                let signature = keys
                    .elliptic
                    .sign(&SystemRandom::new(), signed.as_bytes())
                    .unwrap();
                signature.as_ref().to_vec()
            }
            _ => keys.rsa.sign(signed.as_bytes()).to_vec(),
        };
        let mut token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
        if script.damaged {
            let middle = token.rfind('.').unwrap() + 10;
            let other = if &token[middle..=middle] == "A" { "B" } else { "A" };
            token.replace_range(middle..=middle, other);
        }
        token
    }
}

async fn describe(State(provider): State<Arc<Provider>>) -> Json<Value> {
    let at = |path: &str| format!("{}{path}", provider.issuer);
    Json(json!({
        "issuer": provider.issuer,
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
        "jwks_uri": at("/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256"],
    }))
}

async fn keys(State(provider): State<Arc<Provider>>) -> Json<Value> {
    *provider.looks.lock().unwrap() += 1;
    let keys = provider.keys.lock().unwrap();
    let public = rsa::RsaPublicKey::from(keys.rsa.as_ref());
    let point = keys.elliptic.public_key().as_ref();
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    Json(json!({ "keys": [
        { "kty": "RSA", "use": "sig", "alg": "RS256", "kid": format!("r{}", keys.name), "n": text(&public.n().to_bytes_be()), "e": text(&public.e().to_bytes_be()) },
        { "kty": "EC", "use": "sig", "alg": "ES256", "crv": "P-256", "kid": format!("e{}", keys.name), "x": text(&point[1..33]), "y": text(&point[33..]) },
    ] }))
}

#[derive(Deserialize)]
struct Authorize {
    redirect_uri: String,
    state: String,
    nonce: String,
    client_id: String,
    code_challenge: String,
    code_challenge_method: String,
    scope: String,
}

/// Signs in whoever comes, as a provider does that remembers the person.
async fn authorize(State(provider): State<Arc<Provider>>, Query(asked): Query<Authorize>) -> Response {
    let good = asked.client_id == "farol"
        && asked.code_challenge_method == "S256"
        && asked.scope.split(' ').any(|scope| scope == "openid");
    if !good {
        return (StatusCode::BAD_REQUEST, "not what a client should ask").into_response();
    }
    let code = format!("code-{}", provider.codes.lock().unwrap().len());
    let back = format!("{}?code={code}&state={}", asked.redirect_uri, asked.state);
    let given_for = (asked.nonce, asked.code_challenge, asked.redirect_uri);
    provider.codes.lock().unwrap().insert(code, given_for);
    Redirect::to(&back).into_response()
}

#[derive(Deserialize)]
struct Exchange {
    grant_type: String,
    code: String,
    redirect_uri: String,
    code_verifier: String,
}

/// As RFC 6749 and RFC 7636 have it: each code once, with its redirect and the verifier of its challenge.
async fn token(State(provider): State<Arc<Provider>>, Form(given): Form<Exchange>) -> Response {
    let script = provider.script.lock().unwrap().clone();
    if script.silent {
        return std::future::pending().await;
    }
    let known = provider.codes.lock().unwrap().remove(&given.code);
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&given.code_verifier));
    let fits = known.filter(|(_, expected, redirect)| {
        *expected == challenge && *redirect == given.redirect_uri && given.grant_type == "authorization_code"
    });
    let Some((nonce, _, _)) = fits else {
        let error = Json(json!({ "error": "invalid_grant" }));
        return (StatusCode::BAD_REQUEST, error).into_response();
    };
    let now = farol::time::now_ms() / 1000;
    let mut claims = json!({
        "iss": provider.issuer, "sub": "subject-1", "aud": "farol", "exp": now + 300, "iat": now, "nonce": nonce,
        "preferred_username": "Ana", "email": "ana@example.org", "email_verified": true, "groups": ["ops"],
    });
    if let Some(more) = script.claims.as_object() {
        claims.as_object_mut().unwrap().extend(more.clone());
    }
    let id_token = provider.sign(&claims, &script);
    Json(json!({ "access_token": "a", "token_type": "Bearer", "expires_in": 300, "id_token": id_token }))
        .into_response()
}
