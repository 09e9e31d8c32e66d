import NIOCore
import NIOEmbedded
import Testing
import WeftMessage

@testable import WeftHTTP

final class HTTP1ClientRig {
    let delegate = RecordingClient()
    let channel: EmbeddedChannel
    let connection: HTTP1ClientConnection

    init() throws {
        self.connection = HTTP1ClientConnection(delegate: self.delegate)
        self.channel = EmbeddedChannel(handler: self.connection)
        try self.channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    func open(_ method: HTTPMethod = .get, headers: HeaderBlock = HeaderBlock(), end: Bool = true) -> RecordingReceiver?
    {
        let receiver = RecordingReceiver()
        let head = RequestHead(method: method, authority: "billing:80", path: "/pay", headers: headers)
        receiver.stream = self.connection.open(head, end: end, receiver: receiver)
        return receiver.stream == nil ? nil : receiver
    }

    func receive(_ text: String) {
        _ = try? self.channel.writeInbound(ByteBuffer(string: text))
        self.channel.embeddedEventLoop.run()
    }

    func sent() -> String {
        self.channel.embeddedEventLoop.run()
        var text = ""
        while let buffer = try? self.channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: buffer) }
        return text
    }
}

@Suite struct HTTP1ClientTests {
    @Test func `requests follow each other on one connection`() throws {
        let rig = try HTTP1ClientRig()
        for _ in 0..<3 {
            let receiver = try #require(rig.open(headers: ["x-a": "b", "cookie": "c=1", "Cookie": "d=2"]))
            #expect(rig.connection.availableStreams == 0)
            #expect(rig.open() == nil)
            #expect(rig.sent() == "GET /pay HTTP/1.1\r\nhost: billing:80\r\nx-a: b\r\ncookie: c=1; d=2\r\n\r\n")
            rig.receive("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nKeep-Alive: x\r\n\r\nok")
            #expect(receiver.body == "ok")
            #expect(receiver.events == ["response 200", "closed"])
            #expect(rig.connection.availableStreams == 1)
        }
    }

    @Test func `a body of unknown length is chunked and one of known length is not`() throws {
        let rig = try HTTP1ClientRig()
        let receiver = try #require(rig.open(.post, end: false))
        receiver.client?.sendData(ByteBuffer(string: "abc"), end: false)
        receiver.client?.sendTrailers(["x-t": "1"])
        #expect(
            rig.sent()
                == "POST /pay HTTP/1.1\r\nhost: billing:80\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-t: 1\r\n\r\n"
        )
        rig.receive("HTTP/1.1 204 No Content\r\n\r\n")
        let known = try #require(rig.open(.post, headers: ["content-length": "3"], end: false))
        known.client?.sendData(ByteBuffer(string: "abc"), end: true)
        #expect(rig.sent() == "POST /pay HTTP/1.1\r\nhost: billing:80\r\ncontent-length: 3\r\n\r\nabc")
        #expect(known.sent == 3)
        rig.receive("HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n")
        let empty = try #require(rig.open(.post))
        #expect(rig.sent() == "POST /pay HTTP/1.1\r\nhost: billing:80\r\ncontent-length: 0\r\n\r\n")
        #expect(empty.failure == nil)
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 099 OK\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\nX: a\r\n\r\n", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", "HTTP/1.1 200 OK\r\nX : a\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 101 Switching\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "hello\r\n\r\n", "\r\nHTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
    ])
    func `a malformed response fails its stream and ends the connection`(response: String) throws {
        let rig = try HTTP1ClientRig()
        let receiver = try #require(rig.open())
        rig.receive(response)
        guard case .protocolError = receiver.failure else {
            Issue.record("\(response): \(String(describing: receiver.failure))")
            return
        }
        #expect(rig.delegate.stopped)
        #expect(rig.connection.availableStreams == 0)
    }

    @Test func `informational responses come before the final one`() throws {
        let rig = try HTTP1ClientRig()
        let receiver = try #require(rig.open())
        rig.receive(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"
        )
        #expect(receiver.events == ["informational 100", "informational 103", "response 200 end", "closed"])
        #expect(rig.connection.availableStreams == 1)
    }

    @Test func `HEAD has a length and no body`() throws {
        let rig = try HTTP1ClientRig()
        let receiver = try #require(rig.open(.head))
        rig.receive("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
        #expect(receiver.response?.headers.number(.contentLength) == 5)
        #expect(receiver.isClosed)
        #expect(rig.connection.availableStreams == 1)
    }

    @Test func `a response without length ends with the connection`() throws {
        let rig = try HTTP1ClientRig()
        let receiver = try #require(rig.open())
        rig.receive("HTTP/1.1 200 OK\r\n\r\nab")
        rig.receive("cd")
        #expect(rig.delegate.stopped)
        rig.channel.pipeline.fireChannelInactive()
        #expect(receiver.body == "abcd")
        #expect(receiver.ended)
        #expect(receiver.isClosed)
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Le", "",
    ])
    func `a response cut short fails`(response: String) throws {
        let rig = try HTTP1ClientRig()
        let receiver = try #require(rig.open())
        if !response.isEmpty { rig.receive(response) }
        rig.channel.pipeline.fireChannelInactive()
        #expect(receiver.failure != nil)
        #expect(receiver.client?.requestMayHaveBeenProcessed == true)
    }

    @Test func `bytes that belong to no response end the connection`() throws {
        let rig = try HTTP1ClientRig()
        rig.receive("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        #expect(rig.connection.availableStreams == 0)
        let after = try HTTP1ClientRig()
        let receiver = try #require(after.open())
        after.receive("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")
        #expect(receiver.isClosed)
        #expect(after.connection.availableStreams == 0)
        #expect(after.delegate.stopped)
    }

    @Test func `an answer before the whole request ends the connection`() throws {
        let rig = try HTTP1ClientRig()
        let receiver = try #require(rig.open(.post, end: false))
        rig.receive("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        #expect(receiver.events == ["response 413 end", "closed"])
        receiver.client?.sendData(ByteBuffer(string: "abc"), end: true)
        #expect(rig.connection.availableStreams == 0)
    }

    @Test func `responses come through at every split`() throws {
        let bytes = Array(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nGrpc-Status: 0\r\n\r\n".utf8)
        for split in 0..<bytes.count {
            let rig = try HTTP1ClientRig()
            let receiver = try #require(rig.open())
            rig.receive(String(decoding: bytes[..<split], as: UTF8.self))
            rig.receive(String(decoding: bytes[split...], as: UTF8.self))
            #expect(receiver.body == "abc")
            #expect(receiver.trailers == ["grpc-status": "0"])
            #expect(receiver.isClosed)
            #expect(rig.connection.availableStreams == 1)
        }
    }
}
