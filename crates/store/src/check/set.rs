//! What is wrong in a `set.yaml`: addresses, hashes, names.

use retake_model::{CONNECT_ERRORS, DependencyInfo, Path, SetInfo};

use super::Found;
use crate::address::{HostPort, host_port};
use crate::yaml::{Problem, cut, is_blob_name, nearest};

/// What is wrong in what a recording says of itself.
pub(super) fn check(info: &SetInfo) -> Vec<Found> {
    let mut set = Set(Vec::new());
    let root = Path::root();
    set.address(info.upstream.as_deref(), root.key("upstream"));
    set.address(info.proxy.as_deref(), root.key("proxy"));
    for (number, address) in info.listens.iter().enumerate() {
        set.address(Some(address), root.key("listens").index(number));
    }
    for (word, hash) in &info.build {
        if !is_blob_name(hash) {
            let found = format!("`{}` is no hash", cut(hash));
            let problem = Problem::new(found)
                .expected("64 hex digits in lower case: the BLAKE3 hash of the file")
                .hint("remove `build` where it is not known");
            set.add(problem, root.key("build").key(word));
        }
    }
    for (number, dependency) in info.dependencies.iter().enumerate() {
        set.dependency(dependency, &root.key("dependencies").index(number));
    }
    set.0
}

struct Set(Vec<Found>);

impl Set {
    fn add(&mut self, problem: Problem, at: Path) {
        self.0.push(Found::new(problem, at));
    }

    fn dependency(&mut self, dependency: &DependencyInfo, at: &Path) {
        if dependency.name.is_empty() {
            let problem = Problem::new("this dependency has no name").hint("name it");
            self.add(problem, at.key("name"));
        }
        if !dependency.address.is_empty() {
            self.address(Some(&dependency.address), at.key("address"));
        }
        self.address(dependency.listen.as_deref(), at.key("listen"));
        let lists = [
            ("hosts", &dependency.hosts),
            ("addresses", &dependency.addresses),
        ];
        for (key, all) in lists {
            for (number, address) in all.iter().enumerate() {
                self.address(Some(address), at.key(key).index(number));
            }
        }
        if let Some(name) = dependency.env.as_deref()
            && !is_variable(name)
        {
            let problem = no_variable(name);
            self.add(problem, at.key("env"));
        }
        if let Some(name) = dependency.fails.as_deref() {
            self.fails(name, at.key("fails"));
        }
    }

    /// An address, or the path of a socket.
    fn address(&mut self, address: Option<&str>, at: Path) {
        let Some(address) = address.filter(|text| !text.starts_with(['/', '@'])) else {
            return;
        };
        if let HostPort::Not(problem) = host_port(address) {
            self.add(problem, at);
        }
    }

    fn fails(&mut self, name: &str, at: Path) {
        let number = || name.parse().is_ok_and(|n: u16| (1..4096).contains(&n));
        if CONNECT_ERRORS.contains(&name) || number() {
            return;
        }
        let hint = match nearest(name, CONNECT_ERRORS) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "write it in capitals, or as its number".to_owned(),
        };
        let problem = Problem::new(format!("`{}` is no error of a connection", cut(name)))
            .expected("an error of the system, such as `ECONNREFUSED`")
            .hint(hint);
        self.add(problem, at);
    }
}

/// Whether an environment can have a variable of that name.
pub(crate) fn is_variable(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0'])
}

/// What is said of a name that is none of a variable.
pub(crate) fn no_variable(name: &str) -> Problem {
    Problem::new(format!("`{}` is no name of a variable", cut(name)))
        .expected("a name without `=`")
        .hint("the value of the variable is not written here")
}
