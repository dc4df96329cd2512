import Gate
import Testing

@Suite struct MethodTableTests {
    private static let paths = ["/order.OrderService/CreateOrder", "/order.OrderService/GetOrder"]

    private func lookup(_ path: String, deniesUnmatched: Bool = false) -> MethodLookup {
        let table = MethodTable(paths: Self.paths, deniesUnmatched: deniesUnmatched)
        return Array(path.utf8).withUnsafeBytes { table.lookup($0) }
    }

    @Test func `finds mapped paths and lets other services pass`() {
        #expect(lookup("/order.OrderService/CreateOrder") == .mapped(0))
        #expect(lookup("/order.OrderService/GetOrder") == .mapped(1))
        for path in [
            "/grpc.health.v1.Health/Check", "/order.OrderServiceV2/CreateOrder", "/order.Order/CreateOrder",
            "/orders.OrderService/CreateOrder", "/a", "/", "*", "", "/order.OrderService.X/CreateOrder",
            "/other.Service/order.OrderService", "/x?/order.OrderService/CreateOrder",
        ] { #expect(lookup(path) == .unmapped, "\(path)") }
    }

    @Test(
        arguments: [
            "/order.OrderService/Other", "/order.OrderService/", "/order.OrderService",
            "/order.OrderService/CreateOrde", "/order.OrderService/CreateOrderX", "/order.OrderService/CreateOrder/",
            "/order.OrderService/CreateOrder//", "//order.OrderService/CreateOrder", "/order.OrderService//CreateOrder",
            "/ORDER.ORDERSERVICE/CREATEORDER", "/order.OrderService/createOrder", "/order.orderservice/CreateOrder",
            "/order.OrderService/CreateOrder?", "/order.OrderService/CreateOrder?a=b",
            "/order.OrderService/CreateOrder#f",
            "/order.OrderService/Create%4Frder", "/order.OrderService%2FCreateOrder",
            "/order.OrderService%2fCreateOrder",
            "%2Forder.OrderService/CreateOrder", "/%6frder.OrderService/CreateOrder",
            "/order%2eOrderService/CreateOrder", "/order.OrderService/CreateOrder%3Fx", "/order.OrderService%23",
            "/order.OrderService/Create%254Frder", "/%256frder.OrderService/CreateOrder",
            "/./order.OrderService/CreateOrder", "/x/../order.OrderService/CreateOrder",
            "/../order.OrderService/CreateOrder", "/%2e%2e/order.OrderService/CreateOrder",
            "/x/y/../../order.OrderService/CreateOrder", "/order.OrderService/x/../CreateOrder",
            "/x/%2e%2e/order.OrderService/CreateOrder/.", "order.OrderService/CreateOrder",
            "/x%2f..%2forder.OrderService/CreateOrder", "/order.OrderService/CreateOrder%00",
            "/order.OrderService/CreateOrder ", "/%25252525256frder.OrderService/CreateOrder",
        ])
    func `refuses what leads to a mapped service`(_ path: String) {
        #expect(lookup(path) == .refused)
    }

    @Test func `refuses all but mapped paths where unmatched is denied`() {
        #expect(lookup("/order.OrderService/CreateOrder", deniesUnmatched: true) == .mapped(0))
        #expect(lookup("/grpc.health.v1.Health/Check", deniesUnmatched: true) == .refused)
    }

    @Test func `refuses a path that is too long to be judged`() {
        let longest = "/" + String(repeating: "a", count: 4095)
        #expect(lookup(longest) == .unmapped)
        #expect(lookup(longest + "a") == .refused)
    }

    @Test func `judges random paths without a crash and never maps them`() {
        var generator = SplitMix(seed: 1)
        let table = MethodTable(paths: Self.paths, deniesUnmatched: false)
        let alphabet = Array("/.%25fFoOrdeR?#Service\u{0}".utf8)
        for _ in 0..<100_000 {
            let path = (0..<Int.random(in: 0..<24, using: &generator)).map { _ in
                alphabet.randomElement(using: &generator) ?? 0
            }
            let result = path.withUnsafeBytes { table.lookup($0) }
            #expect(result == .unmapped || result == .refused)
        }
    }
}
