//! How the app comes to trust our certificate authority, and only the app.
//!
//! Two means, because neither reaches every client. Where the app opens a file of authorities, it
//! is given that file with ours at its end (see [`files`](super::files)); and it gets the variables
//! that clients know. A variable that the user has set keeps its meaning: it then points to a new
//! file, theirs with ours at its end.
//!
//! Nothing is installed: new files stand in a folder of the run.

pub mod pem;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// The largest file of authorities that is read, in bytes. Systems have 0.2 MB.
const MAX: u64 = 8 * 1024 * 1024;

/// What a variable's file replaces or adds to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// The client trusts what stands in the file, instead of the system's authorities.
    Instead,
    /// The client trusts it too.
    Added,
    /// Only where the user set it: set by us it would change what the client verifies.
    OnlyIfSet,
}

/// The variables, and who reads them.
const VARIABLES: &[(&str, Meaning)] = &[
    // OpenSSL and so Python, PHP, Ruby and curl; Go; Rust (rustls-native-certs); Bun
    ("SSL_CERT_FILE", Meaning::Instead),
    ("CURL_CA_BUNDLE", Meaning::Instead),
    ("REQUESTS_CA_BUNDLE", Meaning::Instead),
    ("AWS_CA_BUNDLE", Meaning::Instead),
    ("GIT_SSL_CAINFO", Meaning::Instead),
    ("CARGO_HTTP_CAINFO", Meaning::Instead),
    ("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", Meaning::Instead),
    // Node, Deno and Bun; their own roots are compiled in
    ("NODE_EXTRA_CA_CERTS", Meaning::Added),
    ("DENO_CERT", Meaning::Added),
    // libpq: with it `sslmode=require` verifies, which it does not without
    ("PGSSLROOTCERT", Meaning::OnlyIfSet),
];

/// Our authority, and the files made for it.
#[derive(Debug, Clone)]
pub struct Trust {
    /// Our certificate, as PEM.
    pub authority: Vec<u8>,
    /// A file of our certificate alone.
    pub authority_file: PathBuf,
    /// A file of the system's authorities and ours, as PEM.
    pub bundle: PathBuf,
    /// The same as a Java trust store (JKS).
    pub java_store: PathBuf,
    /// Where further files may be written: a folder that the app can read.
    pub folder: PathBuf,
}

impl Trust {
    /// A file of authorities, with ours at its end.
    pub fn with_ours(&self, theirs: &[u8]) -> Vec<u8> {
        let mut all = theirs.to_vec();
        if all.last().is_some_and(|b| *b != b'\n') {
            all.push(b'\n');
        }
        all.extend(&self.authority);
        all
    }

    /// The variables for the app. `user` gives what the user has set; `substitutes` says whether
    /// files are substituted too, which is better for Java: its option prints a line.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn variables(
        &self,
        user: &dyn Fn(&str) -> Option<OsString>,
        substitutes: bool,
    ) -> io::Result<Vec<(String, OsString)>> {
        let mut all = Vec::new();
        for (name, meaning) in VARIABLES {
            let theirs = user(name).filter(|value| !value.is_empty());
            let file = match (theirs, meaning) {
                (Some(path), _) => {
                    let Some(content) = read(Path::new(&path)) else {
                        // It fails with us as it fails without.
                        continue;
                    };
                    let file = self.folder.join(format!("{}.pem", name.to_lowercase()));
                    std::fs::write(&file, self.with_ours(&content))?;
                    file
                }
                (None, Meaning::Instead) => self.bundle.clone(),
                (None, Meaning::Added) => self.authority_file.clone(),
                (None, Meaning::OnlyIfSet) => continue,
            };
            all.push(((*name).to_owned(), file.into_os_string()));
        }
        all.push(("SYSTEM_WGETRC".to_owned(), self.wgetrc(user)?));
        if !substitutes {
            all.push(("JAVA_TOOL_OPTIONS".to_owned(), self.java_options(user)));
        }
        Ok(all)
    }

    /// wget has no variable for authorities, but one for its settings.
    fn wgetrc(&self, user: &dyn Fn(&str) -> Option<OsString>) -> io::Result<OsString> {
        let theirs = user("SYSTEM_WGETRC").unwrap_or_else(|| "/etc/wgetrc".into());
        let mut settings = read(Path::new(&theirs)).unwrap_or_default();
        settings.extend(b"\nca_certificate = ");
        settings.extend(self.bundle.as_os_str().as_encoded_bytes());
        settings.push(b'\n');
        let file = self.folder.join("wgetrc");
        std::fs::write(&file, settings)?;
        Ok(file.into_os_string())
    }

    fn java_options(&self, user: &dyn Fn(&str) -> Option<OsString>) -> OsString {
        let mut options = user("JAVA_TOOL_OPTIONS").unwrap_or_default();
        let has_one = options
            .to_string_lossy()
            .contains("-Djavax.net.ssl.trustStore=");
        if !has_one {
            if !options.is_empty() {
                options.push(" ");
            }
            options.push("-Djavax.net.ssl.trustStore=");
            options.push(&self.java_store);
            options.push(" -Djavax.net.ssl.trustStoreType=JKS");
        }
        options
    }
}

/// A file, where it can be read and is not too large.
pub(super) fn read(path: &Path) -> Option<Vec<u8>> {
    let size = std::fs::metadata(path).ok().filter(|m| m.is_file())?.len();
    (size <= MAX).then(|| std::fs::read(path).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n";

    fn trust() -> (tempfile::TempDir, Trust) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name| folder.path().join(name);
        let trust = Trust {
            authority: OURS.into(),
            authority_file: path("authority.pem"),
            bundle: path("bundle.pem"),
            java_store: path("cacerts"),
            folder: folder.path().to_owned(),
        };
        (folder, trust)
    }

    fn value(all: &[(String, OsString)], name: &str) -> Option<String> {
        let found = all.iter().find(|(n, _)| n == name)?;
        Some(found.1.to_string_lossy().into_owned())
    }

    #[test]
    fn a_user_s_own_file_keeps_its_meaning_and_gets_ours_at_its_end() {
        let (folder, trust) = trust();
        let theirs = folder.path().join("theirs.crt");
        std::fs::write(&theirs, "their authority").expect("written");
        let user = |name: &str| match name {
            "SSL_CERT_FILE" | "PGSSLROOTCERT" => Some(theirs.clone().into_os_string()),
            "CURL_CA_BUNDLE" => Some("/no/such/file".into()),
            "JAVA_TOOL_OPTIONS" => Some("-Xmx1g".into()),
            _ => None,
        };
        let all = trust.variables(&user, false).expect("written");
        for name in ["SSL_CERT_FILE", "PGSSLROOTCERT"] {
            let file = value(&all, name).expect("set");
            let content = std::fs::read_to_string(file).expect("readable");
            assert_eq!(content, format!("their authority\n{OURS}"), "{name}");
        }
        assert_eq!(value(&all, "CURL_CA_BUNDLE"), None, "left as it was");
        let java = value(&all, "JAVA_TOOL_OPTIONS").expect("set");
        assert!(
            java.starts_with("-Xmx1g -Djavax.net.ssl.trustStore="),
            "{java}"
        );
    }

    #[test]
    fn without_a_user_s_own_the_system_s_authorities_stay_trusted() {
        let (_folder, trust) = trust();
        let all = trust.variables(&|_| None, true).expect("written");
        let ends = |name: &str, file: &str| {
            let set = value(&all, name).expect("set");
            assert!(set.ends_with(file), "{name}: {set}");
        };
        ends("SSL_CERT_FILE", "bundle.pem");
        ends("NODE_EXTRA_CA_CERTS", "authority.pem");
        assert_eq!(value(&all, "PGSSLROOTCERT"), None);
        assert_eq!(
            value(&all, "JAVA_TOOL_OPTIONS"),
            None,
            "its file is substituted"
        );
        let wget = value(&all, "SYSTEM_WGETRC").expect("set");
        let settings = std::fs::read_to_string(wget).expect("readable");
        assert!(settings.ends_with("bundle.pem\n"), "{settings}");
    }
}
