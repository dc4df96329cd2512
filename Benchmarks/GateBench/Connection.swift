import CLinux
import CNghttp2
import Glibc

/// One HTTP/2 connection: the socket's bytes go into the session, the session's go out in one write per turn.
///
/// Both ends of the measurement are made of it; a subclass adds what its side does with a stream. The poller's token is
/// the object's address: whoever makes a connection keeps it for as long as it is open.
class Connection {
    let socket: Int32
    let session: OpaquePointer
    private let poller: Poller
    private let input: UnsafeMutableRawBufferPointer
    private let output: UnsafeMutableRawBufferPointer
    private var outputStart = 0
    private var outputEnd = 0
    private var waitsForWritable = false

    /// A session's next piece is at most one frame: 9 bytes of header and 16 KiB, the default that no peer here raises.
    private static let largestPiece = 9 + 16_384
    private static let bufferSize = 256 * 1024

    /// Takes over `socket` and closes it, also when this throws.
    init(socket: Int32, poller: Poller, isServer: Bool, callbacks: OpaquePointer) throws {
        var made: OpaquePointer?
        let status =
            isServer
            ? nghttp2_session_server_new(&made, callbacks, nil) : nghttp2_session_client_new(&made, callbacks, nil)
        guard status == 0, let made else {
            close(socket)
            throw HTTP2Error(status)
        }
        self.socket = socket
        self.poller = poller
        session = made
        input = .allocate(byteCount: Connection.bufferSize, alignment: 16)
        output = .allocate(byteCount: Connection.bufferSize, alignment: 16)
        nghttp2_session_set_user_data(session, Unmanaged.passUnretained(self).toOpaque())
        try poller.add(socket, token: token)
    }

    deinit {
        nghttp2_session_del(session)
        close(socket)
        input.deallocate()
        output.deallocate()
    }

    /// What the poller reports this connection by.
    var token: UInt64 { UInt64(UInt(bitPattern: Unmanaged.passUnretained(self).toOpaque())) }

    /// Reads what there is, lets the session work on it and sends what came of it. False: the other side has gone.
    func turn() throws -> Bool {
        let count = recv(socket, input.baseAddress, input.count, Int32(MSG_DONTWAIT))
        if count == 0 { return false }
        if count > 0 {
            let taken = nghttp2_session_mem_recv(
                session, input.baseAddress?.assumingMemoryBound(to: UInt8.self), count)
            guard taken >= 0 else { throw HTTP2Error(Int32(taken)) }
        } else if errno == ECONNRESET || errno == EPIPE {
            return false
        } else if errno != EAGAIN, errno != EINTR {
            throw SystemError("recv")
        }
        return try send()
    }

    /// Sends everything that the session has to say, as far as the socket takes it. False: the other side has gone.
    func send() throws -> Bool {
        while true {
            try fill()
            guard outputStart < outputEnd else {
                wait(forWritable: false)
                return true
            }
            let count = CLinux.send(
                socket, output.baseAddress?.advanced(by: outputStart), outputEnd - outputStart,
                Int32(MSG_DONTWAIT | MSG_NOSIGNAL))
            if count >= 0 {
                outputStart += count
                if outputStart == outputEnd { (outputStart, outputEnd) = (0, 0) }
            } else if errno == EAGAIN {
                wait(forWritable: true)
                return true
            } else if errno == ECONNRESET || errno == EPIPE {
                return false
            } else if errno != EINTR {
                throw SystemError("send")
            }
        }
    }

    private func fill() throws {
        while output.count - outputEnd >= Connection.largestPiece {
            var piece: UnsafePointer<UInt8>?
            let count = nghttp2_session_mem_send(session, &piece)
            guard count >= 0 else { throw HTTP2Error(Int32(count)) }
            guard count > 0, let piece else { return }
            output.baseAddress?.advanced(by: outputEnd).copyMemory(from: piece, byteCount: count)
            outputEnd += count
        }
    }

    private func wait(forWritable writable: Bool) {
        guard writable != waitsForWritable else { return }
        waitsForWritable = writable
        poller.watchWritable(socket, token: token, writable)
    }
}

/// An error of libnghttp2, fatal for its session.
struct HTTP2Error: Error, CustomStringConvertible {
    let code: Int32

    init(_ code: Int32) { self.code = code }

    var description: String { "HTTP/2: \(String(cString: nghttp2_strerror(code)))" }
}
