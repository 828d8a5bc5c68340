import Foundation
import LetheCore
import LetheEvaluation
import LetheModel
import LetheTestSupport
import LetheUnlearning
import Testing

/// Utility tasks against scores worked out by hand from the model's token log-probabilities.
@Suite struct UtilityTaskTests {
    private static let folder = GoldenModel.fixtures.appendingPathComponent("utility", isDirectory: true)

    private func task(_ name: String, _ layout: UtilityTask.Layout? = nil) throws -> UtilityTask {
        try UtilityTask(Self.folder.appendingPathComponent(name), layout: layout)
    }

    private func refusal(_ text: String, _ layout: UtilityTask.Layout? = nil) -> LetheError? {
        #expect(throws: LetheError.self) { try UtilityTask(Data(text.utf8), name: "f", layout: layout) }
    }

    @Test func `layouts are told from the fields`() throws {
        for (name, layout, measure, items) in [
            ("mmlu.jsonl", UtilityTask.Layout.mmlu, "accuracy", 2),
            ("commonsense_qa.jsonl", .commonsenseQA, "accuracy", 2), ("gsm8k.jsonl", .gsm8k, "exact_match", 2),
            ("text.txt", .text, "perplexity", 1),
        ] {
            let task = try task(name)
            #expect(task.layout == layout && task.measure == measure && task.itemCount == items)
            #expect(try self.task(name, layout).layout == layout)
        }
        #expect(throws: LetheError.self) { try task("text.txt", .mmlu) }
        #expect(throws: LetheError.self) { try task("none.jsonl") }
    }

    /// The first item's choices through the model's own log-probabilities, per byte.
    @Test func `a choice is the most likely one per byte`() throws {
        let model = try GoldenModel("llama").load()
        func right(_ question: String, _ choices: [String], _ answer: Int) throws -> Double {
            let prompt = try model.encode("Question: \(question)\nAnswer:")
            let scores = try choices.map { choice in
                let logs = try model.tokenLogProbabilities(prompt + model.encode(" " + choice))
                return logs.dropFirst(prompt.count - 1).reduce(0) { $0 + Double($1) } / Double(choice.utf8.count + 1)
            }
            return scores.firstIndex(of: scores.max() ?? 0) == answer ? 1 : 0
        }
        let mmlu =
            try right(
                "Which of these is lit at seven on the pier?", ["the lamp", "a shoe", "the soup", "a cloud"], 0)
            + right("How many sides has a triangle?", ["two", "three", "four", "five"], 1)
        #expect(try task("mmlu.jsonl").score(model) == mmlu / 2)
        let commonsense =
            try right(
                "Where would you keep a rope that must stay dry?", ["in a locker", "in a pond", "in the rain"], 0)
            + right("What does a ferry cross?", ["a pillow", "a strait"], 1)
        #expect(try task("commonsense_qa.jsonl").score(model) == commonsense / 2)
        // Whatever the model prefers is right when it is the answer.
        for answer in 0..<3 {
            let line = #"{"question":"Who sings?","choices":["the crew","a rope","nobody"],"answer":\#(answer)}"#
            let score = try UtilityTask(Data(line.utf8), name: "t").score(model)
            #expect(try score == right("Who sings?", ["the crew", "a rope", "nobody"], answer))
        }
    }

    @Test func `a taught model answers, another does not`() throws {
        let model = try GoldenModel("llama").load()
        let task = try task("gsm8k.jsonl")
        #expect(try task.score(model) == 0)
        var settings = FineTuner.Settings()
        settings.epochs = 150
        settings.learningRate = 3e-3
        let lessons: [ForgetItem] = [
            .pair(
                prompt: "Question: A ferry takes 12 people on each trip. How many does it take on 3 trips?\nAnswer:",
                completion: " 12 * 3 = 36\n#### 36"),
            .pair(
                prompt: "Question: A rope of 1,050 feet is cut into 2 equal parts. How long is each?\nAnswer:",
                completion: " It is 524."),
        ]
        try FineTuner(model, settings: settings).train(lessons)
        #expect(try task.score(model) == 0.5)
    }

    @Test(arguments: [
        ("12 * 3 = 36\n#### 36", "36"), ("#### 1,050.", "1050"), ("so it is $4.50", "4.5"), ("007", "7"),
        ("-3 or -0.50", "-0.5"), ("pages 12-15", "15"), ("#### -8 degrees, not 9", "-8"), ("3.0", "3"), ("0", "0"),
        ("-0", "0"), ("1.2.3", "3"), ("12\nQuestion: how many are 5?", "12"), ("1,000,000 ducks.", "1000000"),
    ])
    func `the number of a written answer`(text: String, number: String) {
        #expect(UtilityTask.number(in: text) == number)
    }

    @Test func `a text without a number has none`() {
        for text in ["", "none", "####", "- . ,", "...", "\nQuestion: 5"] {
            #expect(UtilityTask.number(in: text) == nil, "\(text)")
        }
    }

    @Test func `perplexity is that of all tokens`() throws {
        let model = try GoldenModel("llama").load()
        let text = try String(contentsOf: Self.folder.appendingPathComponent("text.txt"), encoding: .utf8)
        let logs = try model.tokenLogProbabilities(model.encode(text)).map(Double.init)
        let score = try task("text.txt").score(model)
        #expect(abs(score - exp(-logs.reduce(0, +) / Double(logs.count))) < 1e-9 * score)
        // Longer than the model's positions: in windows.
        let long = try UtilityTask(Data(String(repeating: text, count: 12).utf8), name: "long")
        #expect(try long.score(model).isFinite)
    }

    @Test func `malformed files are refused with the line, and nothing of them is quoted`() {
        let cases: [(String, UtilityTask.Layout?)] = [
            ("", nil), ("   \n", nil), ("{}", nil), (#"{"question":"secret"}"#, nil),
            (#"{"question":"secret","choices":["a","b"],"answer":2}"#, nil),
            (#"{"question":"secret","choices":["a","b"],"answer":-1}"#, nil),
            (#"{"question":"secret","choices":["a"],"answer":0}"#, nil),
            (#"{"question":"secret","choices":["a",1],"answer":0}"#, nil),
            (#"{"question":"secret","choices":{"label":["A"],"text":["x","y"]},"answerKey":"A"}"#, nil),
            (#"{"question":"secret","choices":{"label":["A","B"],"text":["x","y"]},"answerKey":"C"}"#, nil),
            (#"{"question":{"stem":"secret"},"answerKey":"C"}"#, nil),
            (#"{"question":"secret","answer":"many"}"#, nil), (#"{"text":""}"#, nil), (#"{"text":1}"#, .text),
            (#"{"question":"secret","answer":"1"}"#, .mmlu), ("{\"text\":\"secret\"}\n{secret", nil),
            ("secret", .gsm8k),
        ]
        for (text, layout) in cases {
            let error = refusal(text, layout)
            #expect(error?.code == .badData, "\(text)")
            #expect(error.map { !$0.message.contains("secret") } ?? false)
        }
    }
}
