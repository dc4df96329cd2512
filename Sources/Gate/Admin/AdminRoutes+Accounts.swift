import Foundation
import Hummingbird
import Logging
import RiskRules

// The calls about one account.
extension AdminRoutes {
    /// What an order's id may have in bytes.
    private static let orderIDLimit = 1024

    func account(context: AdminContext) async throws -> Response {
        let name = try accountName(context)
        guard let view = await accounts.account(name) else { throw Self.unknown(name) }
        return try Response(json: AccountMessage(view))
    }

    func settle(request: Request, context: AdminContext) async throws -> Response {
        try await requireRight(to: .settle, request, context)
        let account = try accountName(context)
        let message = try await read(SettleRequest.self, from: request)
        guard let outcome = OperatorOutcome.allCases.first(where: { "\($0)" == message.outcome }) else {
            throw AdminProblem(.badRequest, "the outcome must be released or open, not \"\(message.outcome)\"")
        }
        let settlement = OperatorSettlement(
            account: account,
            clientOrderID: try text(message.clientOrderID, named: "client_order_id", limit: Self.orderIDLimit),
            outcome: outcome, by: try text(message.by, named: "by", limit: Self.personLimit),
            reason: try text(message.reason, named: "reason", limit: Self.reasonLimit))
        let view: ReservationView
        do throws(SettlementError) {
            view = try await accounts.settle(settlement)
        } catch {
            switch error {
            case .notFound(let detail): throw AdminProblem(.notFound, detail)
            case .notUnknown(let detail): throw AdminProblem(.conflict, detail)
            }
        }
        context.logger.warning(
            "an operator settled an order",
            metadata: [
                "account": "\(account)", "client_order_id": "\(settlement.clientOrderID)",
                "outcome": "\(outcome)", "by": "\(settlement.by)", "reason": "\(settlement.reason)",
            ])
        return try Response(json: ReservationMessage(view))
    }

    private static func unknown(_ account: String) -> AdminProblem {
        AdminProblem(
            .notFound, "nothing is known of the account \"\(account)\": no snapshot was read, no order of it is counted"
        )
    }

    private func accountName(_ context: AdminContext) throws -> String {
        let name = try context.parameters.require("id")
        return name.removingPercentEncoding ?? name
    }
}
