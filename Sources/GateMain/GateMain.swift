import Gate

/// The program; all of it is in the library, so that tests and fuzzers are linked with the same code.
@main
enum GateMain {
    static func main() {
        GateProgram.main()
    }
}
