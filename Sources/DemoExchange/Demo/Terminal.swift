import Foundation

/// A terminal that shows one screen of text again and again.
struct Terminal {
    private static let openScreen = "\u{1b}[?1049h\u{1b}[?25l"
    private static let closeScreen = "\u{1b}[?25h\u{1b}[?1049l"

    init() { Output.raw(Self.openScreen) }

    /// Gives the screen back as it was.
    func close() { Output.raw(Self.closeScreen) }

    /// Overwrites rather than clears, so that nothing flickers; what does not fit is cut.
    func show(_ lines: [String]) {
        let size = Self.size
        let visible = lines.prefix(size.rows - 1).map { $0.prefix(size.columns) + "\u{1b}[K" }
        Output.raw("\u{1b}[H" + visible.joined(separator: "\r\n") + "\u{1b}[J")
    }

    private static var size: (rows: Int, columns: Int) {
        var window = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &window) == 0, window.ws_row > 1, window.ws_col > 1 else {
            return (40, 120)
        }
        return (Int(window.ws_row), Int(window.ws_col))
    }
}
