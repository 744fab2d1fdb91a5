//! `getpeername`.

use super::call::Call;
use super::supervisor::Core;

pub(super) fn getpeername(_core: &Core, call: Call) {
    call.proceed();
}
