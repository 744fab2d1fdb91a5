//! What is read directly is what the general way reads: for every file that somebody edited,
//! well or badly. Tests and the fuzzer share it.

use std::fmt::Debug;

use serde::de::DeserializeOwned;

use super::types::{SetDoc, SharedDoc, TestDoc};
use crate::yaml::{Limits, Tree, guard, read_direct};

/// Reads `text` both ways, as each kind of file and as a tree. Says how often the direct way did
/// not give up.
///
/// # Panics
/// The direct way gives something that the other one does not give.
pub(crate) fn check(text: &str) -> usize {
    let direct = [
        check_as::<TestDoc>(text),
        check_as::<SharedDoc>(text),
        check_as::<SetDoc>(text),
        check_as::<Tree>(text),
    ];
    direct.into_iter().filter(|direct| *direct).count()
}

fn check_as<T: DeserializeOwned + Debug>(text: &str) -> bool {
    let Some(direct) = read_direct::<T>(text) else {
        return false;
    };
    let refused = guard(text.as_bytes(), Limits::RECORDING).err();
    assert!(refused.is_none(), "{refused:?}\n{text}");
    let general = serde_yaml::from_str::<T>(text).map_err(|error| error.to_string());
    // The types have no equality of their own; what they hold is all in their debug form.
    let (direct, general) = (
        format!("{:?}", Ok::<T, String>(direct)),
        format!("{general:?}"),
    );
    assert!(direct == general, "{direct}\n{general}\n{text}");
    true
}
