// libyaml, as the Yams package brings it.
import CYaml
import RiskRules

/// Builds the tree of one file. Open lists and mappings stand on a stack of its own, so that nesting costs no calls.
struct StrictComposer {
    private let file: String
    private let log: ProblemLog
    private var open: [Container] = []
    private var root: StrictNode?

    init(file: String, log: ProblemLog) {
        self.file = file
        self.log = log
    }

    /// A list or mapping whose end has not been read.
    private struct Container {
        enum Key {
            case awaited
            case read(Located<String>)
            /// The key was refused: its value is read and dropped.
            case refused
        }
        let location: SourceLocation
        let isMapping: Bool
        var items: [StrictNode] = []
        var entries: [StrictNode.Entry] = []
        var lines: [String: Int] = [:]
        var key = Key.awaited

        var node: StrictNode { StrictNode(isMapping ? .mapping(entries) : .sequence(items), at: location) }
    }

    mutating func compose(_ bytes: [UInt8]) -> StrictNode? {
        // libyaml keeps the parser's own address in it.
        let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
        defer { parser.deallocate() }
        guard yaml_parser_initialize(parser) == 1 else {
            log.report("no memory to read the file", at: start)
            return nil
        }
        defer { yaml_parser_delete(parser) }
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        guard !bytes.isEmpty else {
            log.report("the file is empty", at: start)
            return nil
        }
        return bytes.withUnsafeBufferPointer { buffer in
            yaml_parser_set_input_string(parser, buffer.baseAddress, buffer.count)
            return readEvents(parser, bytes: buffer)
        }
    }

    private mutating func readEvents(
        _ parser: UnsafeMutablePointer<yaml_parser_t>, bytes: UnsafeBufferPointer<UInt8>
    ) -> StrictNode? {
        var documents = 0
        while true {
            var event = yaml_event_t()
            guard yaml_parser_parse(parser, &event) == 1 else {
                reportSyntax(parser.pointee, bytes: bytes)
                return nil
            }
            defer { yaml_event_delete(&event) }
            let location = place(event.start_mark)
            switch event.type {
            case YAML_DOCUMENT_START_EVENT:
                documents += 1
                guard documents == 1 else {
                    log.report("a second document starts here; a file holds one", at: location)
                    return nil
                }
            case YAML_SCALAR_EVENT:
                addScalar(event, at: location)
            case YAML_ALIAS_EVENT:
                log.report("aliases (*name) are not supported; write the value out", at: location)
                add(StrictNode(.refused, at: location))
            case YAML_SEQUENCE_START_EVENT:
                let list = event.data.sequence_start
                refuse(anchor: list.anchor, tag: list.tag, at: location)
                open.append(Container(location: location, isMapping: false))
            case YAML_MAPPING_START_EVENT:
                let mapping = event.data.mapping_start
                refuse(anchor: mapping.anchor, tag: mapping.tag, at: location)
                open.append(Container(location: location, isMapping: true))
            case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT:
                if let container = open.popLast() { add(container.node) }
            case YAML_STREAM_END_EVENT:
                if root == nil { log.report("the file is empty", at: start) }
                return root
            default:
                break
            }
            guard open.count <= StrictReader.maximumDepth else {
                log.report("nested more than \(StrictReader.maximumDepth) levels deep", at: location)
                return nil
            }
        }
    }

    // MARK: Nodes

    private mutating func addScalar(_ event: yaml_event_t, at location: SourceLocation) {
        let scalar = event.data.scalar
        refuse(anchor: scalar.anchor, tag: scalar.tag, at: location)
        let text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
        if text.unicodeScalars.contains(where: { isControl($0) && $0 != "\n" && $0 != "\t" }) {
            log.report("\(quoted(text)) has a control character in it; leave it out", at: location)
            add(StrictNode(.refused, at: location))
        } else {
            add(StrictNode(.scalar(text: text, isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE), at: location))
        }
    }

    /// Puts a finished node where it belongs: into the innermost open list or mapping, or at the root.
    private mutating func add(_ node: StrictNode) {
        guard var container = open.popLast() else {
            root = node
            return
        }
        if container.isMapping {
            switch container.key {
            case .awaited:
                container.key = key(node, lines: &container.lines)
            case .read(let key):
                container.entries.append(StrictNode.Entry(key: key, value: node))
                container.key = .awaited
            case .refused:
                container.key = .awaited
            }
        } else {
            container.items.append(node)
        }
        open.append(container)
    }

    private func key(_ node: StrictNode, lines: inout [String: Int]) -> Container.Key {
        switch node.content {
        case .refused:
            return .refused
        case .sequence, .mapping:
            log.report("a key must be a text, found \(node.kind)", at: node.location)
            return .refused
        case .scalar("<<", isPlain: true):
            log.report("merge keys (<<) are not supported; write the keys out", at: node.location)
            return .refused
        case .scalar(let text, _):
            if node.isNull {
                log.report("a key is missing before the colon", at: node.location)
                return .refused
            }
            if let line = lines[text] {
                log.report("key \(quoted(text)) stands twice, first on line \(line); keep one", at: node.location)
                return .refused
            }
            lines[text] = node.location.line
            return .read(Located(text, at: node.location))
        }
    }

    private func refuse(anchor: UnsafePointer<UInt8>?, tag: UnsafePointer<UInt8>?, at location: SourceLocation) {
        if anchor != nil {
            log.report("anchors (&name) are not supported; write the value out where it is needed", at: location)
        }
        if let tag {
            log.report("tags (\(String(cString: tag))) are not supported; leave it out", at: location)
        }
    }

    // MARK: Places

    private var start: SourceLocation { SourceLocation(file: file, line: 1, column: 1) }

    private func place(_ mark: yaml_mark_t) -> SourceLocation {
        SourceLocation(file: file, line: Int(mark.line) + 1, column: Int(mark.column) + 1)
    }

    /// libyaml's own words, with the place at which it gave up.
    private func reportSyntax(_ parser: yaml_parser_t, bytes: UnsafeBufferPointer<UInt8>) {
        let words = parser.problem.map { String(cString: $0) } ?? "it cannot be read"
        guard parser.error != YAML_READER_ERROR else {
            log.report("not valid UTF-8 text: \(words)", at: place(ofByte: parser.problem_offset, in: bytes))
            return
        }
        let location = place(parser.problem_mark)
        var message = "not valid YAML: \(words)"
        if let context = parser.context {
            message += " \(String(cString: context)) that starts on line \(parser.context_mark.line + 1)"
        }
        if Self.isTab(line: location.line, column: location.column, of: bytes) {
            message += "; indent with spaces, not tabs"
        }
        log.report(message, at: location)
    }

    /// The place of a byte; columns count characters, so continuation bytes do not count.
    private func place(ofByte offset: Int, in bytes: UnsafeBufferPointer<UInt8>) -> SourceLocation {
        var location = start
        for byte in bytes.prefix(max(0, offset)) {
            if byte == UInt8(ascii: "\n") {
                location.line += 1
                location.column = 1
            } else if byte & 0xC0 != 0x80 {
                location.column += 1
            }
        }
        return location
    }

    private static func isTab(line: Int, column: Int, of bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        let lines = bytes.split(separator: UInt8(ascii: "\n"), maxSplits: line, omittingEmptySubsequences: false)
        guard lines.indices.contains(line - 1) else { return false }
        return lines[line - 1].dropFirst(column - 1).first == UInt8(ascii: "\t")
    }
}
