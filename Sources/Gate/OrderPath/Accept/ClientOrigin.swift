import CLinux
import Glibc

/// Where a client's connection comes from and where it was meant to go.
package struct ClientOrigin: BitwiseCopyable {
    /// The user at the other end of a unix socket, as the kernel noted it when it connected (unix(7), SO_PEERCRED).
    package var peerUID: UInt32?
    /// For the log: an address, a proxy's word about one, or `uid N`.
    package var name = NameText()
    /// Where the client meant to connect, where a redirect brought it here.
    package var destination: ResolvedAddress?

    /// Asks the kernel about an accepted socket.
    init(of descriptor: Int32, isUnix: Bool) {
        if isUnix {
            peerUID = Sockets.peerUser(of: descriptor)
            name = NameText(peerUID.map { "uid \($0)" } ?? "unknown")
        } else if let peer = try? ResolvedAddress.peer(of: descriptor) {
            name = NameText(peer.text)
        }
    }
}

extension NameText {
    /// Keeps the first 64 bytes.
    init(_ text: String) {
        var text = text
        self = text.withUTF8 { NameText(UnsafeRawBufferPointer($0)) }
    }
}
