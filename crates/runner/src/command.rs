//! A command as it may stand on disk: without the credentials in its words.

/// What stands in place of a credential. It is the same for each, so that a command without
/// credentials and one with others of them are told apart by nothing else.
const MASK: &str = "[SECRET]";

/// What the name of a setting holds that is a credential.
const SECRET: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "credential",
    "apikey",
    "accesskey",
    "privatekey",
];

/// The words of a command with their credentials masked: passwords in URLs, values of settings
/// whose name says that they are secret (`--db-password=…`, `password=…` of libpq, `?token=…` of a
/// URL), and the word after such an option.
pub fn without_secrets(command: &[String]) -> Vec<String> {
    let mut follows = false;
    command
        .iter()
        .map(|word| {
            if std::mem::take(&mut follows) && !word.starts_with('-') {
                return MASK.to_owned();
            }
            follows = word.starts_with('-') && !word.contains('=') && is_secret(word);
            settings(&url(word))
        })
        .collect()
}

/// `scheme://user:password@host`, anywhere in a word.
fn url(word: &str) -> String {
    let Some((before, rest)) = word.rsplit_once("://") else {
        return word.to_owned();
    };
    let end = rest
        .find(['/', '?', '#', ' ', '"', '\''])
        .unwrap_or(rest.len());
    let (authority, after) = rest.split_at(end);
    let masked = authority
        .rsplit_once('@')
        .and_then(|(user, host)| Some((user.split_once(':')?.0, host)));
    let authority = match masked {
        Some((user, host)) => format!("{user}:{MASK}@{host}"),
        None => authority.to_owned(),
    };
    format!("{}://{authority}{after}", url(before))
}

/// `name=value`, anywhere in a word.
fn settings(word: &str) -> String {
    word.split_inclusive([' ', '&', '?', ';', ','])
        .map(|part| {
            let (name, value) = match part.split_once('=') {
                Some((name, value)) if is_secret(name) => (name, value),
                _ => return part.to_owned(),
            };
            let end = value.trim_end_matches([' ', '&', '?', ';', ',']).len();
            let separator = value.get(end..).unwrap_or_default();
            format!("{name}={MASK}{separator}")
        })
        .collect()
}

fn is_secret(name: &str) -> bool {
    let bare: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    SECRET.iter().any(|secret| bare.ends_with(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(command: &str, expect: &str) {
        let words: Vec<String> = command.split(' ').map(str::to_owned).collect();
        assert_eq!(without_secrets(&words).join(" "), expect);
    }

    #[test]
    fn credentials_are_masked_wherever_they_stand() {
        check(
            "app -c postgres://u:p@h:5432/d?sslmode=require",
            "app -c postgres://u:[SECRET]@h:5432/d?sslmode=require",
        );
        check(
            "app --dsn=mysql://u:p%40@h",
            "app --dsn=mysql://u:[SECRET]@h",
        );
        check("app --db-password=x -v", "app --db-password=[SECRET] -v");
        check("app --api-key x", "app --api-key [SECRET]");
        check("app API_TOKEN=x", "app API_TOKEN=[SECRET]");
        check(
            "app http://h/?token=x&a=b",
            "app http://h/?token=[SECRET]&a=b",
        );
        check(
            "app amqp://a:b@h,amqp://c:d@i",
            "app amqp://a:[SECRET]@h,amqp://c:[SECRET]@i",
        );
    }

    #[test]
    fn words_of_libpq_are_masked_within_one_argument() {
        let words = ["psql".to_owned(), "host=h password=x dbname=d".to_owned()];
        assert_eq!(
            without_secrets(&words),
            ["psql", "host=h password=[SECRET] dbname=d"]
        );
    }

    #[test]
    fn other_words_stay() {
        for command in [
            "node server.js --port 3000",
            "app https://u@h/p",
            "app --token --verbose",
            "app --tokens=3",
            "app http://[::1]:80/a:b@c",
        ] {
            check(command, command);
        }
    }
}
