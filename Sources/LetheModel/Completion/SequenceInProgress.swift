import LetheCore
import LetheTensor
import LetheTokenizers

/// One prompt on its way to a completion.
struct SequenceInProgress {
    private let prompt: [Int32]
    private let completer: TextCompleter
    private let model: LanguageModel
    private var generator: SeededGenerator
    private var decoder: IncrementalDecoder
    private var tokens: [TextCompleter.ScoredToken] = []
    private var promptText = ""
    /// Where the next token begins, in Unicode scalars.
    private var offset = 0
    private var text = ""
    private var newCount = 0
    private var reason = TextCompleter.FinishReason.length

    init(_ prompt: [Int32], completer: TextCompleter, model: LanguageModel, seed: UInt64) {
        self.prompt = prompt
        self.completer = completer
        self.model = model
        generator = SeededGenerator(seed: seed)
        decoder = IncrementalDecoder(model.tokenizer, after: prompt, skipSpecialTokens: true)
        guard completer.echoesPrompt else { return }
        var reader = IncrementalDecoder(model.tokenizer, skipSpecialTokens: false)
        for token in prompt {
            if completer.alternatives != nil {
                tokens.append(.init(text: tokenText(token), logProbability: nil, alternatives: nil, offset: offset))
            }
            let piece = reader.append(token)
            promptText += piece
            offset += piece.unicodeScalars.count
        }
        let rest = reader.finish()
        promptText += rest
        offset += rest.unicodeScalars.count
        scored = 1
    }

    /// Prompt tokens that have their score, the first counted.
    private var scored = 0

    /// Enters the score of the prompt's next token.
    mutating func score(_ token: Int32, logProbability: Float, in row: LogitRow) {
        guard scored < tokens.count else { return }
        tokens[scored].logProbability = logProbability
        tokens[scored].alternatives = alternatives(token, in: row)
        scored += 1
    }

    /// Chooses the next token.
    /// - Returns: the token, or nil when the completion ends with it.
    mutating func take(_ row: LogitRow, mostLikely: Int32) -> Int32? {
        let token =
            completer.temperature <= 0
            ? mostLikely
            : row.sample(
                temperature: completer.temperature, topP: completer.topP, uniform: generator.nextUniform())
        newCount += 1
        if completer.alternatives != nil {
            tokens.append(
                .init(
                    text: tokenText(token), logProbability: row.logProbability(token),
                    alternatives: alternatives(token, in: row), offset: offset))
        }
        if model.endOfTextIDs.contains(token) {
            reason = .stop
            return end()
        }
        add(decoder.append(token))
        if reason == .stop { return nil }
        return newCount == completer.maximumNewTokens ? end() : token
    }

    func completion() -> TextCompleter.Completion {
        TextCompleter.Completion(
            text: promptText + text, tokens: tokens, finishReason: reason, newTokenCount: newCount)
    }

    private mutating func end() -> Int32? {
        add(decoder.finish())
        return nil
    }

    private mutating func add(_ piece: String) {
        guard !piece.isEmpty else { return }
        offset += piece.unicodeScalars.count
        // A stop text ends in the new piece, so it begins no earlier than its own length before it.
        let oldCount = text.utf8.count
        text += piece
        guard !completer.stops.isEmpty else { return }
        let all = Array(text.utf8)
        var cut: Int?
        for stop in completer.stops.map({ Array($0.utf8) }) where !stop.isEmpty && stop.count <= all.count {
            var start = max(0, oldCount - stop.count + 1)
            while start <= all.count - stop.count, start < cut ?? Int.max {
                if all[start] == stop[0], all[start..<start + stop.count].elementsEqual(stop) {
                    cut = start
                    break
                }
                start += 1
            }
        }
        guard let cut else { return }
        text = String(decoding: all[..<cut], as: UTF8.self)
        reason = .stop
    }

    private func alternatives(_ token: Int32, in row: LogitRow) -> [(text: String, logProbability: Float)]? {
        guard let number = completer.alternatives else { return nil }
        var chosen = row.mostLikely(number)
        if !chosen.contains(token) { chosen.append(token) }
        return chosen.map { (text: tokenText($0), logProbability: row.logProbability($0)) }
    }

    /// A token alone as text, its leading blank kept: what it adds after itself.
    private func tokenText(_ token: Int32) -> String {
        let once = model.tokenizer.decode([token], skipSpecialTokens: false)
        let twice = model.tokenizer.decode([token, token], skipSpecialTokens: false)
        guard twice.utf8.starts(with: once.utf8), twice.utf8.count > once.utf8.count else { return once }
        return String(decoding: twice.utf8.dropFirst(once.utf8.count), as: UTF8.self)
    }
}
