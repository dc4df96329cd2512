import COpenSSL

/// The certificate that one side shows, and the private key for it.
package struct TLSCredentials: Hashable, Sendable {
    /// Path of a PEM file: the certificate, then those between it and its authority.
    package var certificate: String
    /// Path of a PEM file.
    package var key: String

    package init(certificate: String, key: String) {
        self.certificate = certificate
        self.key = key
    }
}

/// Certificates, authorities and rules of one side's connections, read from files once: TLS 1.2 or 1.3, HTTP/2 over it and
/// nothing else.
package final class TLSContext: @unchecked Sendable {
    // OpenSSL counts the references to it itself, and it is not changed once it is made.
    let raw: OpaquePointer

    /// For connections that clients make.
    /// - Parameter clientAuthorities: path of a PEM file; a client must show a certificate that one of these vouches for. nil:
    ///   clients show none.
    package static func server(
        _ credentials: TLSCredentials, clientAuthorities: String?
    ) throws(TLSError) -> TLSContext {
        let context = try TLSContext(TLS_server_method())
        try context.show(credentials)
        gate_tls_serve_h2(context.raw)
        if let clientAuthorities {
            try context.trust(clientAuthorities)
            SSL_CTX_set_verify(context.raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
        }
        return context
    }

    /// For connections to the endpoint, whose certificate is always verified.
    /// - Parameters:
    ///   - authorities: path of a PEM file with those who may vouch for it; nil: those that the system trusts.
    ///   - credentials: what the endpoint is shown where it asks.
    package static func client(
        authorities: String?, credentials: TLSCredentials?
    ) throws(TLSError) -> TLSContext {
        let context = try TLSContext(TLS_client_method())
        if let authorities {
            try context.trust(authorities)
        } else if SSL_CTX_set_default_verify_paths(context.raw) != 1 {
            throw TLSError("the system's certificate authorities cannot be read")
        }
        if let credentials { try context.show(credentials) }
        SSL_CTX_set_verify(context.raw, SSL_VERIFY_PEER, nil)
        guard gate_tls_ask_for_h2(context.raw) == 0 else { throw TLSError("ALPN cannot be set") }
        return context
    }

    private init(_ method: OpaquePointer?) throws(TLSError) {
        ERR_clear_error()
        guard let raw = SSL_CTX_new(method) else { throw TLSError("no TLS context") }
        self.raw = raw
        // What RFC 9113, section 9.2.2 leaves of TLS 1.2: a key of each connection's own, and no block modes.
        guard gate_tls_require_1_2(raw) == 1, SSL_CTX_set_cipher_list(raw, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 else {
            throw TLSError("no TLS 1.2 ciphers")
        }
        gate_tls_restrict(raw)
        gate_tls_set_modes(raw)
    }

    deinit {
        SSL_CTX_free(raw)
    }

    private func show(_ credentials: TLSCredentials) throws(TLSError) {
        guard SSL_CTX_use_certificate_chain_file(raw, credentials.certificate) == 1 else {
            throw TLSError("\(credentials.certificate) holds no certificate that can be used")
        }
        guard SSL_CTX_use_PrivateKey_file(raw, credentials.key, SSL_FILETYPE_PEM) == 1 else {
            throw TLSError("\(credentials.key) holds no private key for \(credentials.certificate)")
        }
        guard SSL_CTX_check_private_key(raw) == 1 else {
            throw TLSError("\(credentials.key) is not the private key of \(credentials.certificate)")
        }
    }

    private func trust(_ authorities: String) throws(TLSError) {
        guard SSL_CTX_load_verify_locations(raw, authorities, nil) == 1 else {
            throw TLSError("\(authorities) holds no certificate of an authority")
        }
    }
}
