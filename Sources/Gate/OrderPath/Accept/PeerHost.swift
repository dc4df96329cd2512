import CLinux
import Glibc

/// The machine at the other end of a socket; all unix sockets have one.
struct PeerHost: Hashable, BitwiseCopyable {
    private var high: UInt64 = 0
    private var low: UInt64 = 0

    /// The local machine, where the socket says nothing else.
    init(of descriptor: Int32) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(descriptor, $0, &length) }
        }
        guard result == 0 else { return }
        withUnsafeBytes(of: storage) { bytes in
            switch Int32(storage.ss_family) {
            case AF_INET:
                low = UInt64(bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
                high = 1
            case AF_INET6:
                high = bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
                low = bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
            default: break
            }
        }
    }
}
