//! Reading a set.

use std::cmp::min;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use retake_model::{Mock, SetInfo, TestCase, TestSet, Value};

use crate::diagnostic::{Diagnostic, Severity};
use crate::disk::{self, Unread};
use crate::other::explain;
use crate::version::FormatVersion;
use crate::yaml::{Limits, Problem, check as check_text, decode};
use crate::{Store, StoreError, blobs, check, v1};

/// What a file holds.
#[derive(Debug)]
pub(crate) enum Content {
    Test(Box<TestCase>),
    Set(Box<SetInfo>),
    Shared(Vec<Mock>),
}

/// A file that was read.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) content: Content,
    /// What is wrong in what it says.
    pub(crate) wrong: Vec<Diagnostic>,
}

/// Which kind of file is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `tests/<name>.yaml`
    Test,
    /// `set.yaml`
    Set,
    /// `startup.yaml`
    Shared,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Test => "test",
            Kind::Set => "set",
            Kind::Shared => "startup",
        }
    }
}

/// The folder of a set that is read.
#[derive(Debug, Clone)]
pub(crate) struct SetFolder<'s> {
    pub(crate) store: &'s Store,
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Where errors say it is.
    pub(crate) shown: PathBuf,
    /// Takes the names of the blobs that are read, where somebody wants them.
    pub(crate) named: Option<&'s Mutex<HashSet<String>>>,
}

impl SetFolder<'_> {
    /// The whole set.
    pub(crate) fn load(&self, name: &str) -> Result<TestSet, StoreError> {
        let known = match self.usable(Kind::Set, "set.yaml", None)? {
            Some(Content::Set(info)) => Some(*info),
            _ => None,
        };
        let info = known.as_ref();
        let mut shared = Vec::new();
        let read = |file: &String| self.usable(Kind::Shared, file, info);
        for part in side_by_side(&self.shared_files()?, read) {
            if let Some(Content::Shared(mocks)) = part? {
                shared.extend(mocks);
            }
        }
        let mut tests = self.tests(info)?;
        let info = known.unwrap_or_default();
        tests.sort_by(|a, b| (a.at, &a.name).cmp(&(b.at, &b.name)));
        Ok(TestSet {
            name: name.into(),
            info,
            tests,
            shared,
        })
    }

    /// The files of calls outside tests, in the order of their parts. The first is named whether
    /// it exists or not.
    pub(crate) fn shared_files(&self) -> Result<Vec<String>, StoreError> {
        let further = shared_parts(&self.path)?.into_iter().map(|(_, name)| name);
        Ok(std::iter::once(shared_name(1)).chain(further).collect())
    }

    /// The files of tests, relative to the set's folder, sorted.
    pub(crate) fn test_files(&self) -> Result<Vec<String>, StoreError> {
        let names = disk::names_in(&self.path.join("tests"))?;
        let files = names.into_iter().filter(|name| name.ends_with(".yaml"));
        Ok(files.map(|name| format!("tests/{name}")).collect())
    }

    /// Every test, in the order of their files.
    fn tests(&self, info: Option<&SetInfo>) -> Result<Vec<TestCase>, StoreError> {
        let files = self.test_files()?;
        let mut tests = Vec::with_capacity(files.len());
        let (mut first, mut failed) = (None, 0);
        let read = parallel(&files, |file| {
            match self.usable(Kind::Test, file, info)? {
                Some(Content::Test(test)) => Ok(*test),
                // Somebody removed it since the folder was listed. Fewer tests would look green.
                _ => {
                    let gone = std::io::ErrorKind::NotFound.into();
                    Err(StoreError::io("read", self.path.join(file))(gone))
                }
            }
        });
        for result in read {
            match result {
                Ok(test) => tests.push(test),
                Err(error) => {
                    failed += 1;
                    first.get_or_insert(error);
                }
            }
        }
        match first {
            None => Ok(tests),
            Some(StoreError::Invalid { diagnostic, .. }) => Err(StoreError::Invalid {
                diagnostic,
                others: failed - 1,
            }),
            Some(other) => Err(other),
        }
    }

    /// One file, where nothing is wrong in it; none where it does not exist.
    fn usable(
        &self,
        kind: Kind,
        file: &str,
        info: Option<&SetInfo>,
    ) -> Result<Option<Content>, StoreError> {
        let Some(read) = self.read(kind, file, info)? else {
            return Ok(None);
        };
        let is_error = |d: &Diagnostic| d.severity == Severity::Error;
        match read.wrong.into_iter().find(is_error) {
            Some(first) => Err(first.into()),
            None => Ok(Some(read.content)),
        }
    }

    /// One file, with what is wrong in what it says; none where it does not exist. `file` is
    /// relative to the set's folder; `info` is what `set.yaml` says, for what depends on it.
    ///
    /// # Errors
    /// It does not have the form of the format: nothing can be said of what it says.
    pub(crate) fn read(
        &self,
        kind: Kind,
        file: &str,
        info: Option<&SetInfo>,
    ) -> Result<Option<Read>, StoreError> {
        let path = self.path.join(file);
        let shown = self.shown.join(file);
        let most = u64::try_from(Limits::RECORDING.bytes).unwrap_or(u64::MAX);
        let bytes = match disk::read_below(&self.path, &path, most) {
            Ok(bytes) => bytes,
            Err(Unread::Missing) => return Ok(None),
            Err(Unread::Io(error)) => return Err(StoreError::io("read", path)(error)),
            Err(Unread::Refused(why)) => {
                let problem = Problem::new(format!("this file is refused: {why}"));
                return Err(Diagnostic::new(&shown, problem, b"").into());
            }
        };
        let mut content = self
            .parse(kind, &shown, &bytes)
            .map_err(|problem| Diagnostic::new(&shown, problem, &bytes))?;
        let checks = self.store.checks();
        let found = match &mut content {
            Content::Test(test) => check::test(test, info, checks),
            Content::Shared(mocks) => check::calls(mocks, info, checks),
            Content::Set(info) => check::set(info, checks),
        };
        let wrong = found.into_iter();
        let wrong = wrong
            .map(|found| found.diagnostic(&shown, &bytes))
            .collect();
        Ok(Some(Read { content, wrong }))
    }

    fn parse(&self, kind: Kind, shown: &Path, bytes: &[u8]) -> Result<Content, Problem> {
        let text = decode(bytes, Limits::RECORDING)?;
        self.parse_text(kind, shown, text)
            .map_err(|problem| explain(problem, text, kind.name()))
    }

    fn parse_text(&self, kind: Kind, shown: &Path, text: &str) -> Result<Content, Problem> {
        let FormatVersion::V1 = FormatVersion::of(text)
            .map_err(|problem| check_text(text, Limits::RECORDING).err().unwrap_or(problem))?;
        let known = self.store.protocol_names();
        let reader = v1::Reader {
            file: &shown.to_string_lossy(),
            text,
            protocol: &|name| self.store.protocol(name),
            protocols: &known,
            blob: &|name: &str, is_text: bool| -> Result<Value, Problem> {
                if let Some(named) = self.named {
                    let mut named = named.lock().unwrap_or_else(PoisonError::into_inner);
                    named.insert(name.to_owned());
                }
                blobs::read(&self.path, name, is_text)
            },
        };
        Ok(match kind {
            Kind::Set => Content::Set(Box::new(v1::read_set(&reader)?)),
            Kind::Shared => Content::Shared(v1::read_shared(&reader)?),
            Kind::Test => {
                let test = v1::read_test(&reader)?;
                let name = shown.file_stem().unwrap_or_default().to_string_lossy();
                if test.name != name {
                    let problem = Problem::new(format!(
                        "the test `{}` stands in the file of `{name}`",
                        test.name
                    ));
                    return Err(reader
                        .at_key(problem, "test")
                        .expected(format!("`test: {name}`"))
                        .hint("rename one of the two"));
                }
                Content::Test(Box::new(test))
            }
        })
    }
}

/// What `work` gives for each of `items`, in their order, done on all cores.
pub(crate) fn parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    on_threads(items.len() / 8, items, work)
}

/// The same for items that are much work each.
fn side_by_side<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    on_threads(items.len(), items, work)
}

fn on_threads<T: Sync, R: Send>(most: usize, items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = min(cores, most);
    if threads < 2 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(items.len()));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut mine = Vec::new();
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { break };
                    mine.push((index, work(item)));
                }
                done.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .append(&mut mine);
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_unstable_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

/// The name of a part of the calls outside tests, from 1.
pub(crate) fn shared_name(part: u32) -> String {
    match part {
        0 | 1 => "startup.yaml".to_owned(),
        part => format!("startup-{part}.yaml"),
    }
}

/// The parts of the calls outside tests after the first that a folder has: their numbers and
/// names, in order.
pub(crate) fn shared_parts(folder: &Path) -> Result<Vec<(u32, String)>, StoreError> {
    let names = disk::names_in(folder)?.into_iter();
    let numbered = names.filter_map(|name| {
        let number = name.strip_prefix("startup-")?.strip_suffix(".yaml")?;
        let part = number.parse().ok().filter(|part| *part > 1)?;
        (shared_name(part) == name).then_some((part, name))
    });
    let mut parts: Vec<(u32, String)> = numbered.collect();
    parts.sort_unstable();
    Ok(parts)
}
