/// What a request must look like to take a route: all parts must hold.
package struct RouteMatch: Hashable, Sendable {
    package var path: PathMatch
    /// Nil matches every method.
    package var method: String?
    package var headers: [HeaderMatch]
    package var queryParameters: [QueryParameterMatch]

    package init(
        path: PathMatch = .prefix("/"), method: String? = nil, headers: [HeaderMatch] = [],
        queryParameters: [QueryParameterMatch] = []
    ) {
        self.path = path
        self.method = method
        self.headers = headers
        self.queryParameters = queryParameters
    }
}

/// Matches the path without its query; case-sensitive.
package enum PathMatch: Hashable, Sendable {
    case exact(String)
    /// By whole path elements: `/v2` matches `/v2` and `/v2/x`, not `/v2x`. `/` matches every path.
    case prefix(String)
    /// Must match the whole path.
    case regularExpression(String)
}

/// Matches one header; the name case-insensitively, repeated headers joined with `,`, cookies with `; `.
package struct HeaderMatch: Hashable, Sendable {
    /// In lower case.
    package var name: String
    package var value: StringMatch

    package init(name: String, value: StringMatch) {
        self.name = name.lowercased()
        self.value = value
    }
}

/// Matches one query parameter; name and value case-sensitive, of repeated ones the first.
package struct QueryParameterMatch: Hashable, Sendable {
    package var name: String
    package var value: StringMatch

    package init(name: String, value: StringMatch) {
        self.name = name
        self.value = value
    }
}

package enum StringMatch: Hashable, Sendable {
    case exact(String)
    /// Must match the whole value.
    case regularExpression(String)
    /// Any value, even an empty one.
    case present
}

/// Changes to a header block: `remove`, then `set`, then `add`.
///
/// Source: Gateway API `HTTPHeaderFilter`. Names are in lower case, at most 16 of each.
package struct HeaderModifier: Hashable, Sendable {
    /// Overwrites, or adds where absent.
    package var set: [Header]
    /// Appends a value to those there.
    package var add: [Header]
    package var remove: [String]

    package init(set: [Header] = [], add: [Header] = [], remove: [String] = []) {
        self.set = set
        self.add = add
        self.remove = remove
    }

    package var isEmpty: Bool { self.set.isEmpty && self.add.isEmpty && self.remove.isEmpty }

    package struct Header: Hashable, Sendable {
        package var name: String
        package var value: String

        package init(name: String, value: String) {
            self.name = name.lowercased()
            self.value = value
        }
    }
}
