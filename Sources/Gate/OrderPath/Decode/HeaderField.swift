/// One header field as two views of memory that somebody else owns: HTTP/2 names are lower case already.
package struct HeaderField: BitwiseCopyable {
    package var name: UnsafeRawBufferPointer
    package var value: UnsafeRawBufferPointer

    package init(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
        self.name = name
        self.value = value
    }
}

/// The header fields of one request, in wire order. Valid as long as the memory that the fields point to.
package struct HeaderFields: BitwiseCopyable {
    package var fields: UnsafeBufferPointer<HeaderField>

    package init(_ fields: UnsafeBufferPointer<HeaderField>) { self.fields = fields }
    /// No headers at all.
    package static var none: HeaderFields { HeaderFields(UnsafeBufferPointer(start: nil, count: 0)) }

    /// What a search for one name finds.
    package enum Lookup: BitwiseCopyable {
        case absent
        case value(UnsafeRawBufferPointer)
        /// Two readers of such a request may disagree on which one counts.
        case twice
    }

    /// Finds the field whose name equals `name` byte by byte.
    package func lookup(_ name: UnsafeRawBufferPointer) -> Lookup {
        var found = Lookup.absent
        for field in fields where field.name.equals(name) {
            guard case .absent = found else { return .twice }
            found = .value(field.value)
        }
        return found
    }
}
