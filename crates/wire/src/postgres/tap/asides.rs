//! What a server says while nothing is being answered.

/// How many messages are kept while nothing is being answered.
const MAX_IDLE: usize = 1_000;

/// Messages beside answers: notices, settings, notifications, each with its tag. Beyond
/// [`MAX_IDLE`] the oldest give way.
#[derive(Debug, Default)]
pub(super) struct Asides(Vec<(u8, Box<[u8]>)>);

impl Asides {
    pub(super) fn push(&mut self, tag: u8, body: &[u8]) {
        if self.0.len() >= MAX_IDLE {
            self.0.remove(0);
        }
        if tag == b'S' {
            // Of a setting only the last value counts.
            let name = name(body);
            self.0
                .retain(|(known, said)| *known != b'S' || self::name(said) != name);
        }
        self.0.push((tag, body.into()));
    }

    /// Each with its tag, in their order.
    pub(super) fn into_iter(self) -> impl Iterator<Item = (u8, Box<[u8]>)> {
        self.0.into_iter()
    }
}

/// The name that a ParameterStatus begins with.
fn name(body: &[u8]) -> &[u8] {
    body.split(|byte| *byte == 0).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_give_way_and_settings_count_once() {
        let mut asides = Asides::default();
        asides.push(b'S', b"a\0x\0");
        asides.push(b'S', b"b\0x\0");
        asides.push(b'S', b"a\0y\0");
        for n in 0..MAX_IDLE - 1 {
            asides.push(b'N', n.to_string().as_bytes());
        }
        let left: Vec<_> = asides.into_iter().collect();
        assert_eq!(left.len(), MAX_IDLE);
        assert_eq!(
            left.first().map(|(tag, body)| (*tag, &body[..])),
            Some((b'S', &b"a\0y\0"[..]))
        );
    }
}
