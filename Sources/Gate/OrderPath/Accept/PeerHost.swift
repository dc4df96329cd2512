import CLinux
import Glibc

/// The machine at the other end of a socket; all unix sockets have one.
struct PeerHost: Hashable, BitwiseCopyable {
    private var high: UInt64 = 0
    private var low: UInt64 = 0

    /// The local machine, where the address says nothing else, or there is none.
    init(_ address: ResolvedAddress?) {
        address?.withSockaddr { address, length in
            let bytes = UnsafeRawBufferPointer(start: address, count: Int(length))
            switch Int32(address.pointee.sa_family) {
            case AF_INET where bytes.count >= MemoryLayout<sockaddr_in>.size:
                low = UInt64(bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
                high = 1
            case AF_INET6 where bytes.count >= MemoryLayout<sockaddr_in6>.size:
                high = bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
                low = bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
            default: break
            }
        }
    }
}
