//! What a file is, told by its extension.

/// How a file is made visible in a browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaKind {
    /// A picture that the server reads by itself.
    Still,
    /// A picture that needs ffmpeg.
    ForeignStill,
    /// Moving pictures, which need ffmpeg.
    Movie,
}

/// Returns how a file of this type is encoded, or nothing when it is no picture.
///
/// `file_type` is a component's: the extension, with the dot or without.
pub fn media_kind(file_type: &str) -> Option<MediaKind> {
    let extension = file_type.trim_start_matches('.').to_ascii_lowercase();
    match extension.as_str() {
        // Guess: ftrack shows a PDF for review, as its examples do. Nothing here draws one, so the job fails and says so.
        "png" | "jpg" | "jpeg" | "pdf" => Some(MediaKind::Still),
        "bmp" | "cin" | "dpx" | "exr" | "hdr" | "psd" | "sgi" | "tga" | "tif" | "tiff" | "webp" => {
            Some(MediaKind::ForeignStill)
        }
        "3gp" | "avi" | "flv" | "gif" | "m2ts" | "m4v" | "mkv" | "mov" | "mp4" | "mpeg" | "mpg"
        | "mts" | "mxf" | "ogv" | "ts" | "webm" | "wmv" | "y4m" => Some(MediaKind::Movie),
        _ => None,
    }
}

/// Returns the content type for a file name or an extension; unknown ones are plain bytes.
pub fn content_type(name: &str) -> &'static str {
    let extension = name.rsplit('.').next().unwrap_or(name).to_ascii_lowercase();
    match extension.as_str() {
        "avi" => "video/x-msvideo",
        "bmp" => "image/bmp",
        "csv" => "text/csv",
        "exr" => "image/x-exr",
        "gif" => "image/gif",
        "html" => "text/html",
        "jpeg" | "jpg" => "image/jpeg",
        "json" => "application/json",
        "m4v" | "mp4" => "video/mp4",
        "mkv" => "video/x-matroska",
        "mov" => "video/quicktime",
        "mp3" => "audio/mpeg",
        "pdf" => "application/pdf",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "tif" | "tiff" => "image/tiff",
        "txt" => "text/plain",
        "wav" => "audio/wav",
        "webm" => "video/webm",
        "webp" => "image/webp",
        "xml" => "application/xml",
        "zip" => "application/zip",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_media_by_file_type() {
        assert_eq!(media_kind(".PNG"), Some(MediaKind::Still));
        assert_eq!(media_kind("mov"), Some(MediaKind::Movie));
        assert_eq!(media_kind(".exr"), Some(MediaKind::ForeignStill));
        assert_eq!(media_kind("pdf"), Some(MediaKind::Still));
        assert_eq!(media_kind(".nk"), None);
        assert_eq!(media_kind(""), None);
    }

    #[test]
    fn knows_content_types_by_name() {
        assert_eq!(content_type("shot.0001.PNG"), "image/png");
        assert_eq!(content_type(".mp4"), "video/mp4");
        assert_eq!(content_type("noextension"), "application/octet-stream");
    }
}
