import Foundation
import LetheCore

/// The part of a request that lists and shows need and that may be personal: stored encrypted, apart from the
/// payload, which can be large.
struct RequestSummary {
    var reference: String?
    var options: RequestOptions

    init(_ request: ErasureRequest) {
        reference = request.reference
        options = request.options
    }

    init(data: Data) throws {
        let value = try JSONParser.parse(data, context: "stored summary")
        reference = value["reference"]?.stringValue
        options = try RequestOptions(json: value["options"] ?? .object(JSONObject()), pointer: "/options")
    }

    var data: Data {
        var object = JSONObject()
        if let reference { object["reference"] = .string(reference) }
        object["options"] = options.json
        return JSONValue.object(object).serialized()
    }
}
