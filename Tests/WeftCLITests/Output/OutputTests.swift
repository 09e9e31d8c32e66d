import Testing

@testable import WeftCLI

@Suite struct OutputTests {
    @Test func `what others wrote moves no cursor and makes no line in a table`() {
        var table = Table([.init("REASON")])
        table.add([.init("\u{1B}[2Jgone\nREVOKED  \u{202E}x\u{85}")])
        table.add([.init("plain, ä and ✓")])
        let lines = table.rendered(colours: false).split(separator: "\n").map(String.init)
        #expect(
            lines == ["REASON", #"\u{1B}[2Jgone\u{A}REVOKED  \u{202E}x\u{85}"#, "plain, ä and ✓"])
    }

    @Test func `a table lines up, numbers to the right, without trailing blanks`() {
        var table = Table([.init("NAME"), .init("RPS", .right), .init("NOTE")])
        table.add(["billing", "12.5", ""])
        table.add(["a", "7", .init("slow", .bad)])
        #expect(
            table.rendered(colours: false) == """
                NAME      RPS  NOTE
                billing  12.5  -
                a           7  slow
                """)
    }

    @Test func `colour is for terminals that want it`() {
        func colours(_ terminal: Bool, _ environment: [String: String]) -> Bool {
            Console(isTerminal: terminal, errorIsTerminal: true, environment: environment).colours
        }
        #expect(colours(true, [:]))
        #expect(!colours(false, [:]) && !colours(true, ["NO_COLOR": "1"]) && !colours(true, ["TERM": "dumb"]))
    }

    @Test func `a failure says where, what, why and what to do`() {
        let failure = CommandFailure("cannot listen", at: "127.0.0.1:80", because: "in use", remedy: "Choose another.")
        #expect("\(failure)" == "error: 127.0.0.1:80: cannot listen: in use\n  Choose another.")
    }

    @Test func `a ratio below one is never shown as all`() {
        #expect(Figures.percent(0.99999) == "99.99%")
        #expect(Figures.percent(1) == "100%")
        #expect(Figures.percent(nil) == "-")
    }

    @Test func `nothing began in the future, even after the clock was set back`() {
        #expect(Figures.span(since: 100, now: 40) == "0s")
        #expect(Figures.span(since: 40, now: 100) == "1m")
    }

    @Test(arguments: [(0, "0s"), (59, "59s"), (125, "2m5s"), (3600, "1h"), (100_000, "1d3h"), (-61, "-1m1s")])
    func `a span shows its two largest units`(seconds: Int, text: String) {
        #expect(Figures.span(seconds: Int64(seconds)) == text)
    }
}
