use std::os::unix::fs::PermissionsExt;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::{CertificateError, Error, RootCertStore};

use super::*;
use crate::tls::certificate::facts;

fn open() -> (tempfile::TempDir, Authority) {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::open(&folder.path().join("state")).unwrap();
    (folder, authority)
}

fn issue(names: &[&str], fault: Option<Fault>) -> Issue {
    Issue {
        names: Names::of(names.iter().map(|name| (*name).to_owned())),
        fault,
    }
}

/// What a client finds that trusts the authority.
fn verify(
    authority: &Authority,
    issue: &Issue,
    name: &str,
    at: SystemTime,
) -> Result<(), CertificateError> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate.clone()).unwrap();
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .unwrap();
    let leaf = authority.issue(issue).unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    match verifier.verify_server_cert(
        &leaf.cert[0],
        &leaf.cert[1..],
        &name,
        &[],
        UnixTime::since_unix_epoch(since),
    ) {
        Ok(_) => Ok(()),
        Err(Error::InvalidCertificate(error)) => Err(error),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn the_authority_is_made_once_and_its_key_is_for_its_owner_alone() {
    let (folder, first) = open();
    let state = folder.path().join("state");
    let second = Authority::open(&state).unwrap();
    assert_eq!(first.certificate, second.certificate);
    let mode = |name| fs::metadata(state.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("ca.key"), 0o600);
    assert!(
        !fs::read_to_string(state.join("ca.pem"))
            .unwrap()
            .contains("PRIVATE")
    );
    assert_eq!(
        fs::read_dir(&state).unwrap().count(),
        2,
        "nothing is left behind"
    );
}

#[test]
fn several_that_make_it_at_once_get_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let made: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| make(folder.path(), &folder.path().join(KEY_FILE))))
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    let there = fs::read_to_string(folder.path().join(KEY_FILE)).unwrap();
    for made in made {
        assert_eq!(made.unwrap(), there);
    }
}

#[test]
fn a_damaged_key_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(KEY_FILE), "nonsense").unwrap();
    let error = Authority::open(folder.path()).unwrap_err().to_string();
    assert!(
        error.contains("ca.key") && error.contains("move it away"),
        "{error}"
    );
}

#[test]
fn a_leaf_is_good_for_its_names_alone() {
    let (_folder, authority) = open();
    let issue = issue(&["api.example", "127.0.0.1"], None);
    let now = SystemTime::now();
    assert_eq!(verify(&authority, &issue, "api.example", now), Ok(()));
    assert_eq!(verify(&authority, &issue, "127.0.0.1", now), Ok(()));
    assert!(matches!(
        verify(&authority, &issue, "other.example", now),
        Err(CertificateError::NotValidForNameContext { .. })
    ));
}

#[test]
fn what_is_wrong_with_the_real_one_is_wrong_with_the_leaf() {
    let (_folder, authority) = open();
    let now = SystemTime::now();
    let check = |fault| {
        verify(
            &authority,
            &issue(&["a.example"], Some(fault)),
            "a.example",
            now,
        )
    };
    assert!(matches!(
        check(Fault::Expired),
        Err(CertificateError::ExpiredContext { .. })
    ));
    assert!(matches!(
        check(Fault::NotYetValid),
        Err(CertificateError::NotValidYetContext { .. })
    ));
    assert_eq!(
        check(Fault::Untrusted),
        Err(CertificateError::UnknownIssuer)
    );
}

#[test]
fn a_leaf_is_short_lived_and_good_in_frozen_time_too() {
    let (_folder, authority) = open();
    let issue = issue(&["a.example"], None);
    let life = |authority: &Authority| {
        let leaf = authority.issue(&issue).unwrap();
        let facts = facts(&leaf.cert[0]).unwrap();
        (facts.not_after - facts.not_before) / DAY
    };
    assert_eq!(life(&authority), 397);
    let now = SystemTime::now();
    let long_ago = now - Duration::from_secs(3000 * DAY);
    assert!(verify(&authority, &issue, "a.example", long_ago).is_err());
    authority.also_at(long_ago);
    assert_eq!(verify(&authority, &issue, "a.example", long_ago), Ok(()));
    assert_eq!(verify(&authority, &issue, "a.example", now), Ok(()));
}

#[test]
fn leaves_are_kept_and_bounded_and_differ_in_their_numbers() {
    let (_folder, authority) = open();
    let leaf = |name: &str| authority.issue(&issue(&[name], None)).unwrap();
    let first = leaf("a.example");
    assert!(Arc::ptr_eq(&first, &leaf("a.example")));
    assert_ne!(first.cert[0], leaf("b.example").cert[0]);
    for n in 0..MAX_LEAVES {
        leaf(&format!("n{n}.example"));
    }
    assert!(authority.leaves.lock().unwrap().len() <= MAX_LEAVES);
}

#[test]
fn a_name_of_no_certificate_is_refused() {
    let (_folder, authority) = open();
    assert!(authority.issue(&issue(&["ünicode"], None)).is_err());
}

#[test]
fn the_bundle_is_written_once_with_the_authority_in_it() {
    let (_folder, authority) = open();
    let roots = Roots::default();
    let path = authority.bundle(&roots).unwrap();
    assert_eq!(authority.bundle(&roots).unwrap(), path);
    assert_eq!(fs::read_to_string(&path).unwrap(), authority.pem());
    assert!(authority.java_trust_store(&roots).unwrap().exists());
}
