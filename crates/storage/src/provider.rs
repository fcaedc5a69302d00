//! The S3-compatible services that are known by name: their endpoint, region, style of addresses
//! and the variables that hold their keys.

use std::{fmt, str::FromStr};

/// Which S3-compatible service a bucket is at. Endpoints: the services' S3 pages, 2026-11.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Provider {
    /// Amazon S3.
    #[default]
    Aws,
    /// Volcengine TOS.
    Tos,
    /// BytePlus TOS.
    ByteplusTos,
    /// Cloudflare R2; needs the account's endpoint.
    R2,
    /// MinIO and other servers of one's own; need their endpoint.
    Minio,
}

impl Provider {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Aws, Self::Tos, Self::ByteplusTos, Self::R2, Self::Minio];

    /// Its name in settings.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Tos => "tos",
            Self::ByteplusTos => "byteplus-tos",
            Self::R2 => "r2",
            Self::Minio => "minio",
        }
    }

    pub(crate) fn default_region(self) -> &'static str {
        match self {
            Self::Aws | Self::Minio => "us-east-1",
            Self::Tos => "cn-beijing",
            Self::ByteplusTos => "ap-southeast-1",
            Self::R2 => "auto",
        }
    }

    /// The endpoint without the bucket; `None` where it has to be set.
    pub(crate) fn endpoint(self, region: &str) -> Option<String> {
        match self {
            Self::Aws if region.starts_with("cn-") => Some(format!("https://s3.{region}.amazonaws.com.cn")),
            Self::Aws => Some(format!("https://s3.{region}.amazonaws.com")),
            Self::Tos => Some(format!("https://tos-s3-{region}.volces.com")),
            Self::ByteplusTos => Some(format!("https://tos-s3-{region}.bytepluses.com")),
            Self::R2 | Self::Minio => None,
        }
    }

    /// Whether the bucket stands in the path, and not in the host name.
    pub(crate) fn path_style(self) -> bool {
        matches!(self, Self::R2 | Self::Minio)
    }

    /// Variables with an access key, a secret key and a session token; the first pair that is set
    /// counts.
    pub(crate) fn key_variables(self) -> &'static [[&'static str; 3]] {
        const AWS: [&str; 3] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
        const TOS: [&str; 3] = ["TOS_ACCESS_KEY", "TOS_SECRET_KEY", "TOS_SECURITY_TOKEN"];
        match self {
            Self::Tos => &[TOS, ["VOLC_ACCESSKEY", "VOLC_SECRETKEY", "VOLC_SESSION_TOKEN"], AWS],
            Self::ByteplusTos => {
                &[TOS, ["BYTEPLUS_ACCESSKEY", "BYTEPLUS_SECRETKEY", "BYTEPLUS_SESSION_TOKEN"], AWS]
            }
            _ => &[AWS],
        }
    }

    pub(crate) fn region_variables(self) -> &'static [&'static str] {
        match self {
            Self::Tos | Self::ByteplusTos => &["TOS_REGION"],
            Self::Aws => &["AWS_REGION", "AWS_DEFAULT_REGION"],
            Self::R2 | Self::Minio => &[],
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Provider {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|provider| provider.as_str() == name);
        found.ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            format!("unknown storage provider; expected one of {known}")
        })
    }
}
