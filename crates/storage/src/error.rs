//! From a failure of the object store library to a [`StorageError`] with one clear message. The
//! library's own texts are left out: they may repeat parts of a signed request.

use std::error::Error;

use ark_video_transport::{SendError, StorageError, StorageErrorKind as Kind};

use crate::connector::StoreAnswer;

/// The error of a failed request to `root`, such as `s3://bucket`.
pub(crate) fn failed(error: &object_store::Error, root: &str) -> StorageError {
    if let Some(answer) = cause::<StoreAnswer>(error) {
        let kind = kind_of(answer);
        return StorageError::new(kind, message(kind, root, answer)).because(answer.clone());
    }
    match cause::<SendError>(error) {
        Some(send) => {
            let message = format!("the storage {root} cannot be reached: {send}");
            StorageError::new(Kind::Unreachable, message).because(send.clone())
        }
        None => {
            StorageError::new(Kind::Failed, format!("the storage {root} answered what is not understood"))
        }
    }
}

/// The answer behind a failure, if the store gave one.
pub(crate) fn answer_of(error: &object_store::Error) -> Option<&StoreAnswer> {
    cause(error)
}

fn cause<'e, E: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e E> {
    match error.downcast_ref() {
        Some(found) => Some(found),
        None => cause(error.source()?),
    }
}

fn kind_of(answer: &StoreAnswer) -> Kind {
    match answer.code.as_deref().unwrap_or_default() {
        "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "NotSignedUp"
        | "AuthenticationFailed"
        | "invalid_grant"
        | "invalid_client" => Kind::WrongKey,
        "ExpiredToken" | "TokenRefreshRequired" | "InvalidToken" => Kind::ExpiredKey,
        "RequestTimeTooSkewed" => Kind::ClockSkew,
        _ if answer.names_no_bucket() => Kind::NoBucket,
        "AuthorizationHeaderMalformed" | "PermanentRedirect" | "IllegalLocationConstraintException" => {
            Kind::WrongRegion
        }
        "QuotaExceeded"
        | "ExceedBucketQuota"
        | "ExceedAccountQuota"
        | "StorageQuotaExceeded"
        | "XMinioStorageFull"
        | "XMinioAdminBucketQuotaExceeded"
        | "InsufficientStorage" => Kind::Full,
        "AccessDenied" | "AllAccessDisabled" | "AuthorizationPermissionMismatch" => Kind::NoRights,
        _ => match answer.status {
            301 | 307 => Kind::WrongRegion,
            401 => Kind::WrongKey,
            403 => Kind::NoRights,
            404 => Kind::NoBucket,
            507 => Kind::Full,
            _ => Kind::Failed,
        },
    }
}

fn message(kind: Kind, root: &str, answer: &StoreAnswer) -> String {
    let said = answer.code.clone().unwrap_or_else(|| answer.status.to_string());
    match kind {
        Kind::WrongKey => format!("the storage {root} does not accept the key ({said})"),
        Kind::ExpiredKey => format!("the temporary credentials for the storage {root} have expired ({said})"),
        Kind::ClockSkew => format!("the clock of this machine differs too much from that of {root} ({said})"),
        Kind::NoBucket => format!("the bucket {root} does not exist ({said})"),
        Kind::WrongRegion => format!("the bucket {root} is in another region ({said})"),
        Kind::Full => format!("the storage {root} is full ({said})"),
        Kind::NoRights => format!("these credentials may not do this in {root} ({said})"),
        _ if answer.status >= 500 => {
            format!(
                "the storage {root} could not keep the file ({} {said}); its disk may be full",
                answer.status
            )
        }
        _ => format!("the storage {root} refused the request ({} {said})", answer.status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_has_its_kind() {
        for (status, code, kind) in [
            (403, Some("InvalidAccessKeyId"), Kind::WrongKey),
            (403, Some("SignatureDoesNotMatch"), Kind::WrongKey),
            (400, Some("ExpiredToken"), Kind::ExpiredKey),
            (403, Some("AccessDenied"), Kind::NoRights),
            (403, None, Kind::NoRights),
            (404, Some("NoSuchBucket"), Kind::NoBucket),
            (301, Some("PermanentRedirect"), Kind::WrongRegion),
            (400, Some("AuthorizationHeaderMalformed"), Kind::WrongRegion),
            (403, Some("RequestTimeTooSkewed"), Kind::ClockSkew),
            (507, Some("XMinioStorageFull"), Kind::Full),
            (403, Some("QuotaExceeded"), Kind::Full),
            (500, Some("InternalError"), Kind::Failed),
            (400, Some("EntityTooLarge"), Kind::Failed),
        ] {
            let answer = StoreAnswer { status, code: code.map(str::to_owned) };
            assert_eq!(kind_of(&answer), kind, "{answer}");
            let text = message(kind, "s3://b", &answer);
            assert!(text.contains("s3://b") && !text.ends_with('.'), "{text}");
        }
    }
}
