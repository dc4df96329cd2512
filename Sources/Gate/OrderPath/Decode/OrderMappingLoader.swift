import RiskRules
package import SwiftProtobuf

/// Reads an order mapping and its descriptor set from files and compiles them. Not for the order thread.
package enum OrderMappingLoader {
    /// A descriptor set of a whole platform with its imports is a few hundred KiB.
    package static let maximumDescriptorBytes = 16 << 20

    /// The plan, or nil where anything is wrong: `log` then has every problem.
    /// - Parameters:
    ///   - file: path of the mapping; the descriptor set's path in it is relative to it.
    ///   - contents: reads a file of at most as many bytes; one byte more says that there are too many.
    package static func load(
        _ file: String, into log: ProblemLog, contents: (String, _ limit: Int) throws(SystemError) -> [UInt8]
    ) -> DecodePlan? {
        guard let api = read(file, into: log, contents: contents) else { return nil }
        return OrderMappingCompiler.compile(api.mapping, descriptors: api.descriptors, into: log)
    }

    /// The mapping and its descriptors, not judged against each other yet; as `load` otherwise.
    package static func read(
        _ file: String, into log: ProblemLog, contents: (String, _ limit: Int) throws(SystemError) -> [UInt8]
    ) -> (mapping: OrderMapping, descriptors: Google_Protobuf_FileDescriptorSet)? {
        let mapping: OrderMapping
        do {
            let bytes = try contents(file, StrictReader.maximumBytes)
            guard let read = OrderMappingReader.read(bytes, file: file, into: log) else { return nil }
            mapping = read
        } catch {
            log.report("cannot be read: \(error)", at: SourceLocation(file: file, line: 1, column: 1))
            return nil
        }
        // What was misread would only be found missing once more.
        guard log.isEmpty, let descriptors = descriptors(mapping.descriptors, into: log, contents: contents) else {
            return nil
        }
        return (mapping, descriptors)
    }

    private static func descriptors(
        _ path: Located<String>, into log: ProblemLog,
        contents: (String, _ limit: Int) throws(SystemError) -> [UInt8]
    ) -> Google_Protobuf_FileDescriptorSet? {
        let file = FilePath.resolve(path.value, besides: path.location.file)
        let bytes: [UInt8]
        do {
            bytes = try contents(file, maximumDescriptorBytes)
        } catch {
            log.report("descriptors: \(file) cannot be read: \(error)", at: path.location)
            return nil
        }
        guard bytes.count <= maximumDescriptorBytes else {
            log.report("descriptors: \(file) has more than \(maximumDescriptorBytes) bytes", at: path.location)
            return nil
        }
        do {
            return try Google_Protobuf_FileDescriptorSet(serializedBytes: bytes)
        } catch {
            log.report(
                "descriptors: \(file) is not a descriptor set; make one with protoc --include_imports --descriptor_set_out",
                at: path.location)
            return nil
        }
    }
}
