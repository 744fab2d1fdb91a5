//! `listen`.

use super::call::Call;
use super::supervisor::Core;

pub(super) fn listen(_core: &Core, call: Call) {
    call.proceed();
}
