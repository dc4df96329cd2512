import FuzzTargets

/// What libFuzzer calls with each input; the program's `main` is libFuzzer's own.
@_cdecl("LLVMFuzzerTestOneInput")
public func readInput(_ bytes: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    do {
        try ChosenTarget.target.run(UnsafeRawBufferPointer(start: bytes, count: size))
    } catch {
        fatalError("\(error)")
    }
    return 0
}
