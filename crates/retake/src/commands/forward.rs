//! The forward proxy of the command line.

use retake_proxy::forward::Chain;

use crate::failure::Failure;

/// The word for no proxy.
const NONE: &str = "none";

/// The company's own proxy behind that of retake: as the command line
/// says, else as the environment does for everybody (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`).
///
/// # Errors
/// It is none that can be gone through.
pub fn chain(said: Option<&str>) -> Result<Chain, Failure> {
    let variable = |names: [&'static str; 2]| {
        let mut values = names
            .into_iter()
            .filter_map(|name| Some((name, std::env::var(name).ok()?)));
        values.find(|(_, value)| !value.is_empty())
    };
    let no_proxy = variable(["NO_PROXY", "no_proxy"]).map_or_else(String::new, |(_, list)| list);
    let (source, url) = match said {
        Some(NONE) => return Ok(Chain::default()),
        Some(url) => ("--upstream-proxy", url.to_owned()),
        None => {
            let found = variable(["HTTPS_PROXY", "https_proxy"])
                .or_else(|| variable(["ALL_PROXY", "all_proxy"]));
            match found {
                Some(found) => found,
                None => return Ok(Chain::default()),
            }
        }
    };
    Chain::new(&url, &no_proxy).map_err(|error| {
        Failure::usage(format!("{source}: {error}")).hint(
            "name the proxy behind this one with --upstream-proxy http://host:port, or say `none`",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_that_is_none_is_refused() {
        let error = chain(Some("socks5://proxy:1080")).expect_err("refused");
        assert!(error.to_string().contains("speaks socks5"), "{error}");
        assert!(chain(Some("none")).is_ok());
        assert!(chain(Some("http://proxy:3128")).is_ok());
    }
}
