import Foundation
import Gate
import NIOHTTP1
import Testing

struct AdminServerTests {
    @Test func `metrics are Prometheus text`() async throws {
        try await withServer { server in
            server.metrics.countOrder(.create, reason: nil)
            let reply = try await server.get("/metrics")
            #expect(reply.status == 200)
            #expect(
                reply.text.contains(
                    "gate_orders_total{decision=\"approved\",reason=\"none\",action=\"create\"} 1\n"))
        }
    }

    @Test func `health is life, readiness is every part`() async throws {
        try await withServer { server in
            #expect(try await server.get("/healthz").status == 200)
            let before = try await server.get("/readyz")
            #expect(before.status == 503)
            #expect(before.text.contains("\nmirror: not following Redis\n"))
            for part in Readiness.Part.allCases { server.readiness.set(part, true) }
            let after = try await server.get("/readyz")
            #expect((after.status, after.text) == (200, "ready\n"))
        }
    }

    @Test func `a stop is shown, and lifted only with the token`() async throws {
        try await withServer(token: "secret") { server in
            let body = #"{"scope":"account:a-1","reason":"fat finger","by":"ann"}"#
            let stopped = try await server.post("/api/v1/stops", body)
            #expect(stopped.status == 200)
            let stop = try JSONDecoder().decode(StopMessage.self, from: stopped.body)
            #expect((stop.scope, stop.active, stop.by) == ("account:a-1", true, "ann"))
            #expect(stop.at == "2025-10-09T08:53:20.125Z")

            let resume = #"{"scope":"account:a-1","reason":"checked","authorized_by":"bob"}"#
            let refused = try await server.post("/api/v1/stops/resume", resume)
            #expect(refused.status == 401)
            let wrong = try await server.post("/api/v1/stops/resume", resume, token: "Secret")
            #expect(wrong.status == 401)
            #expect(try await server.stops().map(\.active) == [true])

            let resumed = try await server.post("/api/v1/stops/resume", resume, token: "secret")
            #expect(resumed.status == 200)
            #expect(try await server.stops().map(\.active) == [false])
            let again = try await server.post("/api/v1/stops/resume", resume, token: "secret")
            #expect(again.status == 409)
        }
    }

    @Test func `an account is shown by its name, percent-encoded or not`() async throws {
        try await withServer { server in
            #expect(try await server.get("/api/v1/accounts/nobody").status == 404)
            let reply = try await server.get("/api/v1/accounts/a%2F1")
            #expect(reply.status == 200)
            let lost = #"{"client_order_id":"lost","remaining":0.5,"side":"SELL","state":"unknown","symbol":"BTCUSDT"}"#
            let found = #"{"client_order_id":"found","remaining":0.5,"side":"SELL","state":"open","symbol":"BTCUSDT"}"#
            let position = #"{"current_price":50000,"quantity":0.5,"side":"SHORT","symbol":"BTCUSDT"}"#
            #expect(
                reply.text == #"{"account":"a/1","age_seconds":0.25,"as_of":1760000000.125,"equity":1000,"#
                    + #""positions":[\#(position)],"reservations":[\#(found),\#(lost)],"seq":412,"unlisted_reservations":3}"#
            )
        }
    }

    @Test func `an unknown outcome is settled only with the token, and once`() async throws {
        try await withServer(token: "secret") { server in
            func settle(_ id: String, _ outcome: String, token: String? = "secret") async throws -> AdminReply {
                let body =
                    #"{"client_order_id":"\#(id)","outcome":"\#(outcome)","by":"ann","reason":"asked the exchange"}"#
                return try await server.post("/api/v1/accounts/a%2F1/settle", body, token: token)
            }
            #expect(try await settle("lost", "released", token: nil).status == 401)
            #expect(try await settle("lost", "released", token: "Secret").status == 401)
            #expect(try await settle("lost", "gone").status == 400)
            #expect(try await settle("", "open").status == 400)
            #expect(try await settle("other", "open").status == 404)
            let known = try await settle("found", "released")
            #expect(known.status == 409)
            #expect(try JSONDecoder().decode(ProblemMessage.self, from: known.body).detail == "the order is open")
            let done = try await settle("lost", "released")
            #expect(done.status == 200)
            #expect(done.text.contains(#""state":"released""#))
            #expect(try await settle("lost", "released").status == 409)
            #expect(try await server.get("/api/v1/accounts/a%2F1/settle").status == 405)
        }
    }

    @Test func `without a configured right a resume is refused and says so`() async throws {
        try await withServer { server in
            let body = #"{"reason":"checked","authorized_by":"bob"}"#
            let reply = try await server.post("/api/v1/stops/resume", body, token: "anything")
            #expect(reply.status == 403)
            #expect(reply.text.contains("GATE_ADMIN_TOKEN"))
        }
    }

    @Test(arguments: [
        (#"{"reason":"r","by":"b"}"#, 200),
        (#"{"scope":"global","reason":"r","by":"b"}"#, 200),
        (#"{"scope":"strategy:s","reason":"r","by":"b"}"#, 422),
        (#"{"scope":"account:","reason":"r","by":"b"}"#, 400),
        (#"{"scope":"everything","reason":"r","by":"b"}"#, 400),
        (#"{"scope":"global","reason":"","by":"b"}"#, 400),
        (#"{"scope":"global","reason":"  ","by":"b"}"#, 400),
        (#"{"scope":"global","reason":"a\nb","by":"b"}"#, 400),
        (#"{"scope":"global","reason":"r"}"#, 400),
        (#"{"scope":"global","reason":7,"by":"b"}"#, 400),
        (#"{"scope":"global","reason":"r","by":"b","force":true}"#, 400),
        (#"{"scope":"global","reason":"r","by":"b""#, 400),
        ("[]", 400), ("", 400),
    ])
    func `the body of a stop is read strictly`(body: String, status: Int) async throws {
        try await withServer { server in
            let reply = try await server.post("/api/v1/stops", body)
            #expect(reply.status == status, "\(reply.text)")
            if status != 200 {
                let problem = try JSONDecoder().decode(ProblemMessage.self, from: reply.body)
                #expect(problem.status == status)
            }
            #expect(try await server.stops().count == (status == 200 ? 1 : 0))
        }
    }

    @Test func `a body at its bound is read, one byte more is refused`() async throws {
        try await withServer { server in
            let short = #"{"reason":"r","by":"b"}"#
            let bound = short + String(repeating: " ", count: 65_536 - short.utf8.count)
            let read = try await server.post("/api/v1/stops", bound)
            let refused = try await server.post("/api/v1/stops", bound + " ")
            #expect((read.status, refused.status) == (200, 413))
        }
    }

    @Test func `content other than JSON is refused`() async throws {
        try await withServer { server in
            let body = #"{"reason":"r","by":"b"}"#
            for (type, status) in [
                ("application/json", 200), ("application/json; charset=utf-8", 200), ("text/plain", 415),
                ("application/x-www-form-urlencoded", 415), ("application/jsonp", 415), ("", 415),
            ] {
                let reply = try await server.send(
                    .POST, "/api/v1/stops", headers: ["Content-Type": type], body: body)
                #expect(reply.status == status, "\(type)")
            }
        }
    }

    @Test func `foreign hosts and origins get nothing`() async throws {
        try await withServer { server in
            #expect(try await server.send(.GET, "/metrics", headers: ["Host": "evil.example"]).status == 421)
            #expect(try await server.send(.GET, "/metrics", headers: ["Host": "localhost:1"]).status == 200)
            let foreign: HTTPHeaders = ["Origin": "http://evil.example", "Content-Type": "application/json"]
            let reply = try await server.send(
                .POST, "/api/v1/stops", headers: foreign, body: #"{"reason":"r","by":"b"}"#)
            #expect(reply.status == 403)
            #expect(try await server.stops().isEmpty)
        }
    }

    @Test func `an unknown path is 404, a known one with another method 405`() async throws {
        try await withServer { server in
            for path in ["/", "/api/v1/stop", "/metrics/x", "/api"] {
                let reply = try await server.get(path)
                #expect(reply.status == 404, "\(path)")
                #expect(try JSONDecoder().decode(ProblemMessage.self, from: reply.body).status == 404)
            }
            for (method, path) in [
                (HTTPMethod.DELETE, "/api/v1/stops"), (.GET, "/api/v1/stops/resume"), (.POST, "/metrics"),
                (.PUT, "/readyz"),
            ] {
                let reply = try await server.send(method, path)
                #expect(reply.status == 405, "\(method) \(path)")
                #expect(try JSONDecoder().decode(ProblemMessage.self, from: reply.body).status == 405)
            }
        }
    }

    @Test func `a failure to store a stop is no success`() async throws {
        try await withServer { server in
            await server.keeper.fail()
            let reply = try await server.post("/api/v1/stops", #"{"reason":"r","by":"b"}"#)
            #expect(reply.status == 503)
            #expect(reply.text.contains("No space left"))
        }
    }

    @Test func `over a unix socket the kernel names the user, and a listed one resumes`() async throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("gate-\(UUID().uuidString).sock").path
        let stop = #"{"reason":"r","by":"b"}"#
        let resume = #"{"reason":"r","authorized_by":"b"}"#
        try await withServer(address: .unix(path: path), uids: [getuid()]) { server in
            let stopped = try await server.post("/api/v1/stops", stop)
            let resumed = try await server.post("/api/v1/stops/resume", resume)
            #expect((stopped.status, resumed.status) == (200, 200))
        }
        try await withServer(address: .unix(path: path), uids: [getuid() + 1]) { server in
            let stopped = try await server.post("/api/v1/stops", stop)
            let resumed = try await server.post("/api/v1/stops/resume", resume)
            #expect((stopped.status, resumed.status) == (200, 403))
        }
    }

    @Test func `a unix socket that answers is not taken over, one left behind is`() async throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("gate-\(UUID().uuidString).sock").path
        try await withServer(address: .unix(path: path)) { server in
            await #expect(throws: AdminServer.BindError.self) {
                try await withServer(address: .unix(path: path)) { _ in }
            }
            let health = try await server.get("/healthz")
            #expect(health.status == 200)
        }
        try leaveSocketBehind(path)
        try await withServer(address: .unix(path: path)) { server in
            let health = try await server.get("/healthz")
            #expect(health.status == 200)
        }
    }

    @Test func `a port in use is an error that names it`() async throws {
        try await withServer { server in
            let error = await #expect(throws: AdminServer.BindError.self) {
                try await withServer(address: server.address) { _ in }
            }
            let expected = "cannot listen on the admin address \(server.address): Address already in use"
            #expect(error?.description == expected)
        }
    }

    @Test func `nobody at the address is an error that names it`() async throws {
        let path = "/nonexistent/gate.sock"
        let error = await #expect(throws: AdminClientError.self) {
            try await AdminClient(address: .unix(path: path), token: nil).get("/healthz")
        }
        #expect(error?.description == "no Gate answers at unix:\(path): No such file or directory")
    }
}
