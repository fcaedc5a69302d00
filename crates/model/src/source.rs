//! Where a piece of input media is. A video has no base64 form, so [`VideoSource`] cannot be made
//! from bytes.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::MediaUrl;

/// `data:<kind>/<format>;base64,…` with the format in lower case, as the service wants it.
fn data_url(kind: &str, format: &str, bytes: &[u8]) -> String {
    let mut url = format!("data:{kind}/{};base64,", format.to_ascii_lowercase());
    BASE64_STANDARD.encode_string(bytes, &mut url);
    url
}

macro_rules! source {
    ($name:ident, $what:literal) => {
        #[doc = concat!("Where ", $what, " is.")]
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
            #[doc = concat!("An https URL that the service can fetch ", $what, " from without signing in.")]
            pub fn url(url: impl Into<String>) -> Self {
                Self(url.into())
            }

            /// An asset of the account's library: its id, with or without `asset://`.
            pub fn asset(id: impl AsRef<str>) -> Self {
                let id = id.as_ref();
                Self(format!("asset://{}", id.strip_prefix("asset://").unwrap_or(id)))
            }

            /// The text as it goes on the wire.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        /// The text as it is: an https URL, `asset://…`, or a data URL where the kind takes one.
        impl From<&str> for $name {
            fn from(url: &str) -> Self {
                Self::url(url)
            }
        }

        impl From<String> for $name {
            fn from(url: String) -> Self {
                Self::url(url)
            }
        }

        impl From<$name> for MediaUrl {
            fn from(source: $name) -> Self {
                MediaUrl::new(source.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Debug::fmt(&crate::redact::Url(&self.0), f)
            }
        }
    };
}

source!(ImageSource, "an image");
source!(VideoSource, "a video");
source!(AudioSource, "a sound");

impl ImageSource {
    /// The image itself: below 30 MB, `format` one of jpeg, png, webp, bmp, tiff, gif, and on 1.5
    /// and 2.x heic and heif (create page, 2026-10).
    ///
    /// The whole body may have 64 MB, and base64 makes four bytes of three.
    pub fn data(format: &str, bytes: &[u8]) -> Self {
        Self(data_url("image", format, bytes))
    }
}

impl AudioSource {
    /// The sound itself: at most 15 MB, `format` wav or mp3 (create page, 2026-10).
    pub fn data(format: &str, bytes: &[u8]) -> Self {
        Self(data_url("audio", format, bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_on_the_wire() {
        assert_eq!(ImageSource::data("PNG", b"\x89PNG").as_str(), "data:image/png;base64,iVBORw==");
        assert_eq!(AudioSource::data("wav", b"RIFF").as_str(), "data:audio/wav;base64,UklGRg==");
        assert_eq!(VideoSource::asset("asset-1").as_str(), "asset://asset-1");
        assert_eq!(VideoSource::asset("asset://asset-1").as_str(), "asset://asset-1");
        assert_eq!(format!("{:?}", ImageSource::data("png", &[0; 300])), "<data:image/png, 422 bytes>");
    }
}
