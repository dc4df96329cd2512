import CBuild
import CHiredis
import CNghttp2
import COpenSSL

/// What this program is made of.
enum GateVersion {
    /// Of Gate itself, by semantic versioning.
    static let number = "0.1.0"

    /// The commit that was built; `unknown` where the build was not told (see `GATE_COMMIT` in Package.swift).
    static var commit: String { String(cString: gate_build_commit()) }

    /// The libnghttp2 that is loaded.
    static var nghttp2: String {
        guard let information = nghttp2_version(0) else { return "unknown" }
        return String(cString: information.pointee.version_str)
    }

    /// The hiredis that Gate was compiled against; it has no call that tells the one loaded, which has the same soname.
    static let hiredis = "\(HIREDIS_MAJOR).\(HIREDIS_MINOR).\(HIREDIS_PATCH)"

    /// The OpenSSL that is loaded.
    static var openSSL: String { OpenSSL_version(OPENSSL_VERSION_STRING).map { String(cString: $0) } ?? "unknown" }

    static var summary: String {
        "gate \(number)\ncommit \(commit)\nlibnghttp2 \(nghttp2)\nhiredis \(hiredis)\nopenssl \(openSSL)"
    }
}
