import Foundation
import HTTPTypes
import LetheCore
import LetheService
import LetheStore
import Testing

/// Every route with every scope, made from the routes themselves.
@Suite(.timeLimit(.minutes(1)))
struct RouteAccessTests {
    private static func path(_ template: String) -> String {
        template
            .replacingOccurrences(of: "{id}", with: "req_00000000000070008000000000000000")
            .replacingOccurrences(of: "{name}", with: "tiny")
    }

    @Test func `every route says what it asks for, and nothing says so without a route`() async throws {
        let bench = try await ServiceBench()
        let routes = LetheHTTP.operations(database: bench.database, models: bench.models)
        for route in routes {
            let access = try #require(
                LetheHTTP.access(method: route.method, template: route.template),
                "\(route.method) \(route.template) is not in RouteTable.access: nobody can call it")
            let isOpen = ["/livez", "/readyz", "/openapi.json", "/v1/signing-keys"].contains(route.template)
            #expect(access.isOpen == isOpen, "\(route.template)")
        }
        #expect(Set(routes.map { "\($0.method) \($0.template)" }) == LetheHTTP.declaredAccess)
        #expect(LetheHTTP.access(method: "GET", template: "/v1/nothing") == nil)
    }

    @Test func `a route is allowed with its scope and with no other`() async throws {
        let bench = try await ServiceBench()
        let routes = LetheHTTP.operations(database: bench.database, models: bench.models)
        var headers: [AccessScope: HTTPFields] = [:]
        for scope in AccessScope.allCases { headers[scope] = try await bench.key([scope]).header }
        let revoked = try await bench.key(Set(AccessScope.allCases))
        try await bench.database.revokeKey(revoked.row.id)
        let refused: [HTTPFields] = [
            [:], revoked.header, [.authorization: "Bearer nonsense"],
            [.authorization: "Basic bGV0aGU6bGV0aGU="], [.authorization: ""],
        ]
        try await bench.routed({ $0.withoutRateLimits() }) { [headers] api in
            var cells = 0
            for route in routes {
                let method = try #require(HTTPRequest.Method(route.method))
                let path = Self.path(route.template)
                let access = try #require(LetheHTTP.access(method: route.method, template: route.template))
                // A body that no operation accepts, so that an allowed call changes nothing.
                let body = method == .post ? Data("[]".utf8) : nil
                func status(_ fields: HTTPFields, _ method: HTTPRequest.Method) async throws -> Exchanger.Answer {
                    var fields = fields
                    if body != nil { fields[.contentType] = "application/json" }
                    return try await api.send(method, path, headers: fields, body: body)
                }
                for fields in refused {
                    let answer = try await status(fields, method)
                    #expect((answer.status == 401) == !access.isOpen, "\(route) without a key: \(answer.status)")
                    if !access.isOpen {
                        #expect(answer.headers[.wwwAuthenticate]?.hasPrefix("Bearer") == true)
                        #expect(answer.headers[.contentType] == "application/problem+json")
                        #expect(["missing_key", "invalid_key"].contains(answer.code))
                    }
                    cells += 1
                }
                for (scope, fields) in headers {
                    let isAllowed = access.isOpen || access.scope == scope
                    for method in method == .get ? [method, .head] : [method] {
                        let answer = try await status(fields, method)
                        #expect(answer.status != 401, "\(route) with \(scope)")
                        #expect((answer.status == 403) == !isAllowed, "\(route) with \(scope): \(answer.status)")
                        if !isAllowed, method != .head {
                            #expect(answer.code == "insufficient_scope")
                            let challenge = answer.headers[.wwwAuthenticate] ?? ""
                            #expect(challenge.contains("scope=\"\(access.scope?.rawValue ?? "-")\""))
                        }
                        cells += 1
                    }
                }
            }
            #expect(cells > routes.count * (refused.count + AccessScope.allCases.count))
        }
    }

    @Test func `the description names the scope of every route`() throws {
        let paths = try #require(OpenAPIDocument.json()["paths"]?.objectValue)
        for entry in paths.entries {
            for operation in entry.value.objectValue?.entries ?? [] {
                let access = try #require(
                    LetheHTTP.access(method: operation.key.uppercased(), template: entry.key))
                let security = operation.value["security"]?.arrayValue
                let statuses = Set(operation.value["responses"]?.objectValue?.keys ?? [])
                if access.isOpen {
                    #expect(security?.isEmpty == true)
                    #expect(statuses.isDisjoint(with: ["401", "403"]))
                } else {
                    #expect(security == [["apiKey": [.string(access.scope?.rawValue ?? "")]]])
                    #expect(statuses.isSuperset(of: ["401", "403", "429"]))
                }
            }
        }
    }
}
