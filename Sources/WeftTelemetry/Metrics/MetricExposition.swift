/// Writes metrics as text that Prometheus reads.
///
/// Source: Prometheus text exposition format 0.0.4; OpenMetrics 1.0.
package enum MetricExposition: Sendable {
    case prometheus, openMetrics

    /// The format that a scraper's `Accept` asks for: OpenMetrics where it is named and not liked less than plain text.
    package init(accept: String?) {
        var liked = (open: 0.0, plain: 0.0)
        for range in (accept ?? "").split(separator: ",") {
            let parts = range.split(separator: ";").map { $0.drop { $0 == " " || $0 == "\t" }.lowercased() }
            guard let type = parts.first?.prefix(while: { $0 != " " }) else { continue }
            let quality = parts.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) } ?? 1
            switch type {
            case "application/openmetrics-text": liked.open = max(liked.open, quality)
            case "text/plain": liked.plain = max(liked.plain, quality)
            default: continue
            }
        }
        self = liked.open > 0 && liked.open >= liked.plain ? .openMetrics : .prometheus
    }

    package var contentType: String {
        switch self {
        case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
    }

    /// The exposition, sorted by name and labels.
    package func encode(_ snapshot: MetricSnapshot) -> [UInt8] {
        var text: [UInt8] = []
        for (family, series) in snapshot.families.sorted(by: { $0.key.name < $1.key.name }) {
            self.appendHead(of: family, to: &text)
            for (labels, value) in series.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
                self.append(
                    value, family: family, labels: labels, exemplars: snapshot.exemplars[family]?[labels] ?? [],
                    to: &text)
            }
        }
        if self == .openMetrics { text.append(text: "# EOF\n" as StaticString) }
        return text
    }

    private func appendHead(of family: MetricFamily, to text: inout [UInt8]) {
        let kind: StaticString
        var name = family.name
        switch family.kind {
        case .counter:
            kind = "counter"
            if self == .prometheus { name += "_total" }
        case .gauge: kind = "gauge"
        case .info:
            kind = self == .openMetrics ? "info" : "gauge"
            if self == .prometheus { name += "_info" }
        case .histogram: kind = "histogram"
        }
        text.append(text: "# HELP \(name) ")
        for byte in family.help.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): text.append(text: "\\\\" as StaticString)
            case 0x0a: text.append(text: "\\n" as StaticString)
            case UInt8(ascii: "\"") where self == .openMetrics: text.append(text: "\\\"" as StaticString)
            default: text.append(byte)
            }
        }
        text.append(text: "\n# TYPE \(name) ")
        text.append(text: kind)
        text.append(0x0a)
    }

    private func append(
        _ value: MetricSnapshot.Value, family: MetricFamily, labels: [String], exemplars: [Exemplar?],
        to text: inout [UInt8]
    ) {
        switch (value, family.kind) {
        case (.counter(let count), _):
            self.appendSeries(family, "_total", labels, bound: nil, to: &text)
            text.append(number: count)
            text.append(0x0a)
        case (.amount(let real), _):
            self.appendSeries(family, "_total", labels, bound: nil, to: &text)
            text.append(text: Self.format(real))
            text.append(0x0a)
        case (.gauge(let real), _):
            self.appendSeries(family, family.kind == .info ? "_info" : "", labels, bound: nil, to: &text)
            text.append(text: Self.format(real))
            text.append(0x0a)
        case (.histogram(let counts, let sum), .histogram(let bounds)):
            var total: UInt64 = 0
            for (index, count) in counts.enumerated() {
                total &+= count
                let bound = index < bounds.count ? self.formatBound(bounds[index]) : "+Inf"
                self.appendSeries(family, "_bucket", labels, bound: bound, to: &text)
                text.append(number: total)
                if index < exemplars.count, let exemplar = exemplars[index] { self.append(exemplar, to: &text) }
                text.append(0x0a)
            }
            self.appendSeries(family, "_sum", labels, bound: nil, to: &text)
            text.append(text: Self.format(sum))
            text.append(0x0a)
            self.appendSeries(family, "_count", labels, bound: nil, to: &text)
            text.append(number: total)
            text.append(0x0a)
        case (.histogram, _): break
        }
    }

    private func append(_ exemplar: Exemplar, to text: inout [UInt8]) {
        guard self == .openMetrics else { return }
        text.append(text: " # {trace_id=\"" as StaticString)
        text.append(text: exemplar.trace.text)
        text.append(text: "\"} \(Self.format(exemplar.value)) \(exemplar.at)")
    }

    private func appendSeries(
        _ family: MetricFamily, _ suffix: StaticString, _ labels: [String], bound: String?, to text: inout [UInt8]
    ) {
        text.append(text: family.name)
        text.append(text: suffix)
        var separator = UInt8(ascii: "{")
        func append(_ name: String, _ value: String) {
            text.append(separator)
            separator = UInt8(ascii: ",")
            text.append(text: name)
            text.append(text: "=\"" as StaticString)
            for byte in value.utf8 {
                switch byte {
                case UInt8(ascii: "\\"): text.append(text: "\\\\" as StaticString)
                case UInt8(ascii: "\""): text.append(text: "\\\"" as StaticString)
                case 0x0a: text.append(text: "\\n" as StaticString)
                default: text.append(byte)
                }
            }
            text.append(UInt8(ascii: "\""))
        }
        for (name, value) in zip(family.labels, labels) { append(name, value) }
        if let bound { append("le", bound) }
        if separator == UInt8(ascii: ",") { text.append(UInt8(ascii: "}")) }
        text.append(UInt8(ascii: " "))
    }

    private func formatBound(_ bound: Double) -> String {
        self == .openMetrics ? "\(bound)" : Self.format(bound)
    }

    private static func format(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: value) { return "\(whole)" }
        return "\(value)"
    }
}
