import CLinux
import Glibc

/// Where a client's connection comes from and where it was meant to go.
package struct ClientOrigin: BitwiseCopyable {
    /// The user at the other end of a unix socket, as the kernel noted it when it connected (unix(7), SO_PEERCRED).
    package var peerUID: UInt32?
    /// For the log: an address, a proxy's word about one, or `uid N`.
    package var name = NameText()
    /// The other end of the socket itself, which may be a proxy's; nil where the kernel does not say.
    let peer: ResolvedAddress?
    /// The machine that it is on.
    let host: PeerHost
    /// Where the client meant to connect, where a redirect brought it here.
    package var destination: ResolvedAddress?
    /// It is Gate's own end of a pair of sockets: whoever may trade for whom, it may for all.
    let isGate: Bool

    /// Of Gate itself.
    static let gate = ClientOrigin()

    private init() {
        name = NameText("gate")
        peer = nil
        host = PeerHost(nil)
        isGate = true
    }

    /// Of an accepted socket whose other end is `peer`.
    init(of descriptor: Int32, peer: ResolvedAddress?, isUnix: Bool) {
        self.peer = peer
        host = PeerHost(peer)
        isGate = false
        if isUnix {
            peerUID = Sockets.peerUser(of: descriptor)
            name = NameText(peerUID.map { "uid \($0)" } ?? "unknown")
        } else if let peer {
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
