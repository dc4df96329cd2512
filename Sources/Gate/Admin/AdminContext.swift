import CLinux
import Hummingbird
import NIOCore

/// A request's surroundings: what Hummingbird keeps, and the connection it came over.
struct AdminContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }

    /// The user at the other end of a unix socket, as the kernel noted when it connected (unix(7), SO_PEERCRED); nil
    /// for a TCP connection.
    func peerUID() async -> UInt32? {
        guard case .unixDomainSocket = channel.localAddress, let options = channel as? any SocketOptionProvider else {
            return nil
        }
        let credentials: ucred? = try? await options.unsafeGetSocketOption(
            level: .socket, name: NIOBSDSocket.Option(rawValue: SO_PEERCRED)
        ).get()
        return credentials?.uid
    }
}
