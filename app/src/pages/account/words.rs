//! What the page says about the last form, by the word that the server sends back.

use crate::ui::Tone;

/// Tone, title and text. None for a word that the server does not send.
pub fn told(word: &str) -> Option<(Tone, &'static str, &'static str)> {
    Some(match word {
        "on" => (
            Tone::Ok,
            "Your authenticator app is set up",
            "From now on sign-in asks for its code after the password. Keep the recovery codes below where you will find them without your phone.",
        ),
        "off" => (
            Tone::Ok,
            "The authenticator app is removed",
            "Sign-in asks for your password only. The recovery codes are gone too.",
        ),
        "codes" => (
            Tone::Ok,
            "New recovery codes are made",
            "The ones before no longer work.",
        ),
        "password" => (
            Tone::Ok,
            "Your password is changed",
            "Every other session of your account has ended.",
        ),
        "passkey_on" => (
            Tone::Ok,
            "The passkey is added",
            "You can sign in with it from now on, without name and password.",
        ),
        "passkey_off" => (
            Tone::Ok,
            "The passkey is removed",
            "It no longer signs anybody in. Your device may still list it; remove it there too.",
        ),
        "scan" => return None,
        "code" => (
            Tone::Warn,
            "This code does not fit",
            "Type the six digits that the app shows now. If they never fit, check that the clock of your phone is right.",
        ),
        "current" => (
            Tone::Warn,
            "The current password is wrong",
            "Nothing was changed. Check it and try again.",
        ),
        "mismatch" => (
            Tone::Warn,
            "The new passwords differ",
            "Nothing was changed. Type the same password twice.",
        ),
        "weak" => (
            Tone::Warn,
            "The new password is too easy",
            "Use at least 12 characters; a few unrelated words are good.",
        ),
        "long" => (
            Tone::Warn,
            "The new password is too long",
            "Use at most 256 characters.",
        ),
        "throttled" => (
            Tone::Warn,
            "Too many tries",
            "Nothing was changed. Wait a few minutes, then try again.",
        ),
        "have" => (
            Tone::Info,
            "An authenticator app is set up already",
            "Remove it first to set up another one.",
        ),
        "none" => (Tone::Info, "There is no authenticator app", "Set one up first."),
        "gone" => (
            Tone::Info,
            "This passkey is gone already",
            "Somebody removed it in the meantime.",
        ),
        "passkey_bad" => (
            Tone::Warn,
            "The passkey was not added",
            "The answer of your device does not hold, or the passkey is in use already. Try again.",
        ),
        "passkey_many" => (
            Tone::Warn,
            "You have 20 passkeys",
            "That is as many as an account can have. Remove one that you no longer use.",
        ),
        "audit" => (
            Tone::Crit,
            "Nothing was changed",
            "The audit log cannot be written. Look at the server's disk and log.",
        ),
        "broken" => (
            Tone::Crit,
            "Farol failed while doing this",
            "The server log says why. Look below whether it was changed.",
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_somebody_elses_making_says_nothing() {
        assert!(told("on").is_some());
        assert!(told("<script>").is_none() && told("").is_none());
    }
}
