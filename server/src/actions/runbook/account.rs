//! Accounts of the machine, from `/etc/passwd` (passwd(5)).

/// One account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    pub home: String,
}

/// The account of this name that Farol may run commands as. The error is a sentence.
pub fn find(name: &str) -> Result<Account, String> {
    let text = std::fs::read_to_string("/etc/passwd")
        .map_err(|error| format!("/etc/passwd cannot be read: {error}"))?;
    let account =
        parse(&text, name).ok_or_else(|| format!("there is no account `{name}` on this machine"))?;
    let own = rustix::process::geteuid().as_raw();
    if own != 0 && own != account.uid {
        return Err(format!(
            "running as `{name}` needs Farol to run as root; it runs as user id {own}"
        ));
    }
    Ok(account)
}

fn parse(text: &str, name: &str) -> Option<Account> {
    text.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        (fields.first() == Some(&name)).then_some(())?;
        Some(Account {
            name: name.to_owned(),
            uid: fields.get(2)?.parse().ok()?,
            gid: fields.get(3)?.parse().ok()?,
            home: (*fields.get(5)?).to_owned(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_its_whole_name_only() {
        let text = "root:x:0:0:root:/root:/bin/bash\nrootless:x:7:8::/home/r:/bin/sh\nodd:x\n";
        assert_eq!(parse(text, "rootless").unwrap().gid, 8);
        assert_eq!(parse(text, "odd"), None);
        assert_eq!(parse(text, "roo"), None);
    }
}
