//! How unlike words a text is: by the letters that stand beside each other.
//!
//! Digits and changes of case tell most random text from words, but not all of it: one in 36 of
//! the ids of 24 letters and digits has fewer than three digits. Their pairs of letters tell: of
//! random ones more than half are rare in words.

/// The fewest odd pairs in random text.
const ODD: usize = 5;

/// Of so many pairs in random text at least one is odd. Long names of many parts have some, too.
const PER_ODD: usize = 5;

/// For each letter, those that often follow it in words and identifiers, as bits from `a` up: the
/// pairs that make up 99 of 100 in the prose and the sources of some thousand packages.
const FOLLOWERS: [u32; 26] = [
    0x3fe_bfff, 0x11e_db1f, 0x11e_ddbd, 0x13e_fbff, 0x3ff_ffff, 0x11e_493d, 0x11e_f9dd, 0x11e_7911,
    0x2bf_fe7f, 0x014_4111, 0x05c_691b, 0x13e_fdff, 0x11c_f91b, 0x13e_ffff, 0x3fe_ffff, 0x11e_d9dd,
    0x010_0800, 0x17e_fdff, 0x17f_fdfd, 0x3de_fdff, 0x01e_fd7f, 0x000_4111, 0x006_6d91, 0x08c_9115,
    0x14e_f915, 0x000_4911,
];

/// Whether letters and digits stand beside each other as they do in no word, name or identifier.
pub(crate) fn is_unlike_words(word: &[u8]) -> bool {
    let odd = odd_pairs(word);
    odd >= ODD && odd * PER_ODD >= word.len()
}

/// How many neighbours are odd: a digit and a letter, letters that are rare in words, and words of
/// one or two letters in camel case.
pub(super) fn odd_pairs(word: &[u8]) -> usize {
    let mut odd = 0;
    let mut hump = None;
    for (at, pair) in word.windows(2).enumerate() {
        let [a, b] = pair else { continue };
        if !a.is_ascii_alphanumeric() || !b.is_ascii_alphanumeric() {
            continue;
        }
        let counts = if a.is_ascii_digit() || b.is_ascii_digit() {
            a.is_ascii_digit() != b.is_ascii_digit()
        } else if a.is_ascii_lowercase() && b.is_ascii_uppercase() {
            hump.replace(at).is_some_and(|last| at - last <= 2)
        } else {
            is_rare(*a, *b) && !is_next(*a, *b)
        };
        odd += usize::from(counts);
    }
    odd
}

fn is_rare(a: u8, b: u8) -> bool {
    let index = |letter: u8| usize::from(letter.to_ascii_lowercase().wrapping_sub(b'a'));
    FOLLOWERS
        .get(index(a))
        .is_some_and(|followers| followers >> index(b) & 1 == 0)
}

/// Whether a letter follows as in the alphabet, one left out at most: lists of letters are no random
/// text.
fn is_next(a: u8, b: u8) -> bool {
    matches!(b.wrapping_sub(a), 1 | 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_letters_are_unlike_words_whatever_digits_are_among_them() {
        let check = |text: &str, unlike: bool| {
            assert_eq!(is_unlike_words(text.as_bytes()), unlike, "{text}");
        };
        for random in [
            "tzkawqxxatpiwszbrgjhvqad",
            "ciqgxvwmtnzzpklqedbkxyhv",
            "JBSWYKZQGXTLMVCWPRHFNQZD",
            "neGtZxkTEFeFinBEqwVhK",
        ] {
            check(random, true);
        }
        for word in [
            "donaudampfschifffahrtsgesellschaft",
            "kubernetes-dashboard-metrics-scraper",
            "getHTTPSProxyTLSConfigPtr",
            "utf8mb4_unicode_520_ci",
            "core_product_category_id_b9d8ff9f",
            "django_content_type_app_label_model_76bd3d3b_uniq",
            "abcdefghijklmnopqrstuvwxyz",
            "ABCDEFGHJKLMNPQRSTUVWXYZ",
            "GBP-USD-EUR-JPY-CHF-AUD",
            "Yan_Fev_Mar_Apr_May_Iyun_Iyul_Avg_Sen_Okt_Noy_Dek",
        ] {
            check(word, false);
        }
    }
}
