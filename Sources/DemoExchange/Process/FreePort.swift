import Foundation

/// Ports of the loopback interface for programs that cannot choose one themselves.
enum FreePort {
    /// `preferred` if nobody has it, else one that the system picks.
    static func find(preferred: UInt16 = 0) throws(DemoError) -> Int {
        if preferred != 0, let port = bound(to: preferred) { return port }
        guard let port = bound(to: 0) else { throw DemoError("no free port: \(String(cString: strerror(errno)))") }
        return port
    }

    private static func bound(to port: UInt16) -> Int? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var address = LoopbackAddress.make(port: port)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        return withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                guard bind(descriptor, generic, length) == 0, getsockname(descriptor, generic, &length) == 0 else {
                    return nil
                }
                return Int(UInt16(bigEndian: pointer.pointee.sin_port))
            }
        }
    }
}

enum LoopbackAddress {
    static func make(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }
}
