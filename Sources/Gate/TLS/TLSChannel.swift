import COpenSSL
import Glibc

/// One connection's TLS, without its socket: what came from the peer goes in encrypted and comes out in clear, what is to
/// leave goes in clear and comes out encrypted.
package final class TLSChannel {
    /// What became of an attempt to read.
    package enum Reading: Equatable, BitwiseCopyable {
        case bytes(Int)
        /// All that came was taken.
        case nothing
        /// The peer has said that no more will come.
        case ended
        /// The handshake failed or the peer broke the protocol; the connection must be closed once `encrypted` has left, which
        /// holds the alert.
        case failed
        /// The peer sends messages of TLS's own (key updates, attempts to shake hands again) faster than `messages` allows.
        case flooded
    }

    /// What is ready to leave.
    package private(set) var encrypted = ByteQueue()
    /// Whether the handshake is over: the peer is who it has to be.
    package private(set) var isSecure = false

    private let raw: OpaquePointer
    /// Owned by `raw`.
    private let incoming: OpaquePointer
    private let outgoing: OpaquePointer
    /// Messages since the last look. libssl counts into it.
    private let messageCount: UnsafeMutablePointer<UInt64>
    private var messages: TokenBucket

    /// How fast a peer may send what is no data after the handshake: each costs more than the few bytes it takes, and has an answer.
    package static let messages = HTTP2Limits.Rate(burst: 20, perSecond: 2)

    /// The server's end. `now`: monotonic nanoseconds.
    package convenience init(server context: TLSContext, now: Int64) throws(TLSError) {
        try self.init(context, now)
        SSL_set_accept_state(raw)
    }

    /// The client's end.
    /// - Parameters:
    ///   - name: what the server's certificate must be for: a host name or an IP address.
    ///   - now: monotonic nanoseconds.
    package convenience init(client context: TLSContext, of name: String, now: Int64) throws(TLSError) {
        try self.init(context, now)
        SSL_set_connect_state(raw)
        if X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(raw), name) == 1 { return }
        ERR_clear_error()
        guard SSL_set1_host(raw, name) == 1, gate_tls_announce_name(raw, name) == 1 else {
            throw TLSError("\(name) is no name that a certificate can be for")
        }
    }

    private init(_ context: TLSContext, _ now: Int64) throws(TLSError) {
        ERR_clear_error()
        guard let raw = SSL_new(context.raw) else { throw TLSError("no TLS connection") }
        guard let incoming = BIO_new(BIO_s_mem()) else {
            SSL_free(raw)
            throw TLSError("no TLS buffer")
        }
        guard let outgoing = BIO_new(BIO_s_mem()) else {
            BIO_free(incoming)
            SSL_free(raw)
            throw TLSError("no TLS buffer")
        }
        SSL_set_bio(raw, incoming, outgoing)
        self.raw = raw
        self.incoming = incoming
        self.outgoing = outgoing
        messages = TokenBucket(Self.messages, now: now)
        messageCount = .allocate(capacity: 1)
        messageCount.initialize(to: 0)
        gate_tls_count_messages(raw, messageCount)
    }

    deinit {
        SSL_free(raw)
        messageCount.deallocate()
        encrypted.deallocate()
    }

    /// Takes what came from the peer. All of it has to be read before more is given.
    package func receive(_ bytes: UnsafeRawBufferPointer) {
        _ = BIO_write(incoming, bytes.baseAddress, Int32(clamping: bytes.count))
    }

    /// Decrypts into `buffer`, taking a step of the handshake where that is what came. `now`: monotonic nanoseconds.
    package func read(into buffer: UnsafeMutableRawBufferPointer, now: Int64) -> Reading {
        // libssl comes back after a message that is no data, with more behind it, and once more when that is answered.
        var idleReads = 0
        while true {
            let left = BIO_ctrl_pending(incoming)
            let reading = readOnce(into: buffer, now: now)
            let rest = BIO_ctrl_pending(incoming)
            idleReads = rest < left ? 0 : idleReads + 1
            guard reading == .nothing, rest > 0, idleReads < 3 else { return reading }
        }
    }

    private func readOnce(into buffer: UnsafeMutableRawBufferPointer, now: Int64) -> Reading {
        ERR_clear_error()
        let count = SSL_read(raw, buffer.baseAddress, Int32(clamping: buffer.count))
        collect()
        if !isSecure, SSL_is_init_finished(raw) == 1 {
            guard gate_tls_is_h2(raw) == 1 else { return .failed }
            isSecure = true
            messageCount.pointee = 0
        }
        while isSecure, messageCount.pointee > 0 {
            messageCount.pointee -= 1
            guard messages.take(now: now) else { return .flooded }
        }
        if count > 0 { return .bytes(Int(count)) }
        switch SSL_get_error(raw, count) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .nothing
        case SSL_ERROR_ZERO_RETURN: return .ended
        default: return .failed
        }
    }

    /// Encrypts as much of `clear` as is taken before the next bytes of the peer, and drops it there. Begins the handshake of a
    /// client.
    package func write(_ clear: inout ByteQueue) {
        if !isSecure {
            ERR_clear_error()
            _ = SSL_do_handshake(raw)
        }
        while isSecure, !clear.isEmpty {
            let count = SSL_write(raw, clear.bytes.baseAddress, Int32(clamping: clear.count))
            guard count > 0 else { break }
            clear.drop(Int(count))
        }
        collect()
    }

    /// Says that no more will follow.
    package func end() {
        guard isSecure else { return }
        _ = SSL_shutdown(raw)
        collect()
    }

    /// These bytes of `encrypted` have left.
    package func left(_ count: Int) {
        encrypted.drop(count)
    }

    /// Whether the peer's verified certificate carries a name: a DNS name, or a URI. False where it has shown none.
    package func peerHas(name: String) -> Bool {
        guard isSecure, let certificate = SSL_get0_peer_certificate(raw), SSL_get_verify_result(raw) == Int(X509_V_OK)
        else { return false }
        var name = name
        return name.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) {
                gate_tls_has_name(certificate, $0.baseAddress, $0.count) == 1
            }
        }
    }

    /// Why the handshake failed, in words.
    package var failure: String {
        let verified = SSL_get_verify_result(raw)
        if verified != Int(X509_V_OK), let text = X509_verify_cert_error_string(verified) {
            return "the peer's certificate: \(String(cString: text))"
        }
        if SSL_is_init_finished(raw) == 1, gate_tls_is_h2(raw) == 0 {
            return "the peer does not speak HTTP/2 (ALPN h2)"
        }
        return TLSError("TLS").description
    }

    /// Moves what OpenSSL wants to send to where the socket takes it from.
    private func collect() {
        var size = BIO_ctrl_pending(outgoing)
        while size > 0 {
            let taken = withUnsafeTemporaryAllocation(byteCount: 16_384, alignment: 1) { buffer in
                let count = BIO_read(outgoing, buffer.baseAddress, Int32(buffer.count))
                guard count > 0 else { return false }
                return encrypted.append(UnsafeRawBufferPointer(rebasing: buffer[..<Int(count)]), limit: .max)
            }
            guard taken else { return }
            size = BIO_ctrl_pending(outgoing)
        }
    }
}
