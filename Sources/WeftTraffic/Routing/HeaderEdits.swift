package import WeftMessage
package import WeftModel

/// A header modifier made ready: names interned, nothing to do known at once.
///
/// A `host` field is the authority; other pseudo-header fields cannot be touched.
package struct HeaderEdits: Hashable, Sendable {
    private struct Edit: Hashable, Sendable {
        var name: FieldName
        var text: String
        var value: String
    }

    private var removed: [Edit] = []
    private var set: [Edit] = []
    private var added: [Edit] = []
    package let isEmpty: Bool

    package init(_ modifier: HeaderModifier) {
        func edit(_ name: String, _ value: String) -> Edit? {
            let text = name.lowercased()
            if text.hasPrefix(":") { return nil }
            let name: FieldName = text == "host" ? .authority : FieldName(text)
            return Edit(name: name, text: text, value: value)
        }
        // A request cannot do without its authority.
        self.removed = modifier.remove.compactMap { edit($0, "") }.filter { $0.name != .authority }
        self.set = modifier.set.compactMap { edit($0.name, $0.value) }
        self.added = modifier.add.compactMap { edit($0.name, $0.value) }
        self.isEmpty = self.removed.isEmpty && self.set.isEmpty && self.added.isEmpty
    }

    /// Removes, then sets, then adds.
    package func apply(to headers: inout HeaderBlock) {
        if self.isEmpty { return }
        for edit in self.removed {
            if edit.name == .other { headers.remove(edit.text) } else { headers.remove(edit.name) }
        }
        for edit in self.set {
            if edit.name == .other {
                headers.remove(edit.text)
                headers.append(edit.text, edit.value)
            } else {
                headers.set(edit.name, edit.value)
            }
        }
        for edit in self.added {
            if edit.name == .authority {
                headers.set(.authority, edit.value)
            } else if edit.name == .other {
                headers.append(edit.text, edit.value)
            } else {
                headers.append(edit.name, edit.value)
            }
        }
    }
}
