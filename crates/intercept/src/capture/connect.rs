//! `connect`.

use super::call::Call;
use super::supervisor::Core;

pub(super) fn connect(_core: &Core, call: Call) {
    call.proceed();
}
