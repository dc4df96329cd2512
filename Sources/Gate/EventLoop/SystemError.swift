import CLinux
import Glibc

/// A system call that failed: which one, and with what errno.
package struct SystemError: Error, Equatable, CustomStringConvertible {
    package var call: String
    package var errno: Int32

    package init(_ call: String, errno: Int32) {
        self.call = call
        self.errno = errno
    }

    package var description: String { "\(call): \(String(cString: strerror(errno)))" }
}

/// Runs a system call that answers -1 on failure, again where a signal interrupted it.
@inline(__always)
func retryingInterrupts<Result: SignedInteger>(_ call: () -> Result) -> Result {
    while true {
        let result = call()
        if result != -1 || errno != EINTR { return result }
    }
}

/// Runs a system call and throws its errno where it fails.
@discardableResult
func checked<Result: SignedInteger>(
    _ name: String, _ call: () -> Result
) throws(SystemError) -> Result {
    let result = retryingInterrupts(call)
    if result == -1 { throw SystemError(name, errno: errno) }
    return result
}
