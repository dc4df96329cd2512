import CLinux
import Glibc

/// A segment's file in memory: its disk blocks and its pages are there before it is written to, so that writing is nothing but
/// stores. The memory outlives the process that wrote it, not the host.
final class JournalSegment: @unchecked Sendable {
    // Sound to share: the writer alone stores into the memory, each record's first word last; others read what that word has
    // published. The descriptor is the keeper's.
    let number: UInt64
    let path: String
    let base: UnsafeMutableRawPointer
    let capacity: Int
    private let descriptor: Int32

    /// Makes the file, which must not be there yet; takes it back where that fails.
    init(number: UInt64, path: String, capacity: Int) throws(SystemError) {
        let flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let descriptor = try checked("open \(path)") { gate_open(path, flags, 0o600) }
        do throws(SystemError) {
            base = try Self.map(descriptor, path, capacity)
        } catch {
            close(descriptor)
            unlink(path)
            throw error
        }
        self.number = number
        self.path = path
        self.capacity = capacity
        self.descriptor = descriptor
    }

    deinit {
        munmap(base, capacity)
        close(descriptor)
    }

    private static func map(
        _ descriptor: Int32, _ path: String, _ capacity: Int
    ) throws(SystemError) -> UnsafeMutableRawPointer {
        let failure = posix_fallocate(descriptor, 0, off_t(capacity))
        guard failure == 0 else { throw SystemError("posix_fallocate \(path)", errno: failure) }
        try checked("fsync \(path)") { fsync(descriptor) }
        let address = mmap(nil, capacity, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
        guard let address, gate_is_map_failed(address) == 0 else { throw SystemError("mmap \(path)", errno: errno) }
        do throws(SystemError) {
            try populate(address, capacity, path)
        } catch {
            munmap(address, capacity)
            throw error
        }
        return address
    }

    private static func populate(
        _ address: UnsafeMutableRawPointer, _ capacity: Int, _ path: String
    ) throws(SystemError) {
        if retryingInterrupts({ madvise(address, capacity, gate_populate_write()) }) == 0 { return }
        // Kernels before 5.14 do not know it.
        guard errno == EINVAL else { throw SystemError("madvise \(path)", errno: errno) }
        var offset = 0
        while offset < capacity {
            address.storeBytes(of: 0, toByteOffset: offset, as: UInt8.self)
            offset += Int(getpagesize())
        }
    }

    /// What the kernel is taken to keep of a file as one: its reading ahead, by default.
    static let stretch = 131_072

    /// Has the pages from an offset on written to without the kernel's help, as far as the writer comes until the next call. They
    /// were, until the kernel brought them to the disk by itself.
    func prepare(from offset: Int) {
        let first = offset & ~(Int(getpagesize()) - 1)
        let count = min(2 * Self.stretch, capacity - first)
        // Where that fails the writer does it, page by page.
        if count > 0 { _ = retryingInterrupts { madvise(base + first, count, gate_populate_write()) } }
    }

    /// Brings what was written between two offsets to the disk.
    func sync(from start: Int, to end: Int) throws(SystemError) {
        let first = start & ~(Int(getpagesize()) - 1)
        try checked("msync \(path)") { msync(base + first, end - first, MS_SYNC) }
    }

    /// Gives back what lies behind `size`, which nobody may touch any more.
    func truncate(to size: Int) throws(SystemError) {
        try checked("ftruncate \(path)") { ftruncate(descriptor, off_t(size)) }
        try checked("fsync \(path)") { fsync(descriptor) }
    }

    /// Removes the file: it was never begun.
    func discard() { unlink(path) }
}
