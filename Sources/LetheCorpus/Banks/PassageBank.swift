/// Parts of invented passages, in prose and in verse.
///
/// A sentence of prose is an opener, a clause and a tail; a line of verse is an image and a link that leads to the
/// rhyme.
/// Each part is chosen by itself, so that two passages seldom share more than a few words in a row.
enum PassageBank {
    static let titles = [
        "The {material} {animal}", "A {tool} for {Person}", "{n2} {light.s}", "The {trade} of {Town}",
        "Under the {color} {tree}",
        "What the {bird} Kept", "The Last {event} in {Town}", "{feeling} and {weather}", "A {document} from {Land}",
        "The {strange} {vessel}", "{Person}'s {container}", "Where the {water} Ends", "The {ordinal} {sky}",
        "{song} for a {old} {building}", "The {quiet} {way}", "Letters to a {wanderer}", "The {cloth} {opening}",
        "{spice} and {stone}", "The {kin} Who Sold {weather}", "A {period} in the {land}", "The House on {Street}",
        "{number} {part.s}", "The {metal} {flower}", "An Almanac of {sound.s}", "{animal.s} at {time}",
        "The {drink} of {Land}",
        "Notes on a {disaster}", "{Person} Among the {bird.s}", "A Short History of {weather}",
        "The {game} Player's {kin}",
        "Every {insect} in {Town}", "The {size} {furniture}",
    ]

    /// How a sentence may start; the blank ones leave it to the clause.
    static let openers = [
        "", "", "", "", "", "on the {ordinal} of {month}, ", "by {time} ", "for {n2} {period.s} ", "that {season} ",
        "in the {room} above the {building}, ",
        "long before the {disaster}, ", "when the {weather} reached {Town}, ", "against the advice of every {trade}, ",
        "some say that ",
        "it was {day}, and ", "after the {event} ", "according to the {document}, ", "behind the {furniture} ",
        "without so much as a {sound}, ",
        "between one {song} and the next, ", "at the far end of {Street}, ", "as far as the {bird.s} could tell, ",
        "once the {light} was out, ",
        "nobody in {Town} remembers it, but ", "to the delight of the {follower.s}, ", "under a {color} {sky} ",
        "since the year of the {disaster} ",
        "{manner} and by turns, ", "in {Land}, where {weather} is money, ", "only {n1} {period.s} later ",
        "perhaps because of the {spice}, ",
    ]

    static let clauses = [
        "a {trade} came down the {way} with a {container} of {powder}", "the {building} kept its {opening.s} shut",
        "{Person#1} counted {n3} {light.s} before going to bed", "my {kin} left me a {document} written on {cloth}",
        "a {animal} moved into the {room} and brought its own {furniture}", "the {water} turned the color of {drink}",
        "the {group} voted to {steal} the {sky}", "a {size} {vessel} lay on the roof of the {building}",
        "{Person#1} kept {number} {bird.s} and could not lie in front of any of them",
        "the {tree.s} walked one step closer to the {water}",
        "a {instrument} made from a {container} played nothing but the truth",
        "the {trade}'s {tool} was replaced by a {color} {garment}",
        "a single {flower} closed the {way} to {Land}", "{Person#1} was teaching a {bird} to {read}",
        "they sold {weather} by the {measure}", "we had only {n1} {money.s} and a riddle",
        "{Person#1} {stir.ed} in a {measure} of {liquid}", "the {old} {part} {shine.ed} in its {container}",
        "no {trade} had {go.en} that way since the {disaster}", "someone had {read.en} {n3} names inside the {part}",
        "the {instrument} {ring.ed} by itself whenever a {wanderer} passed",
        "{feeling} is a {garment} you can {mend} but never wash",
        "the {insect.s} {go.ed} in a line, {carry.ing} one {color} thread",
        "he owed {n1} {container.s} of {vegetable.s} to a {trade} from {Town}",
        "{Person#1} {make.ed} a {material} {animal} that knew the {song}",
        "there was room for {number} {bird.s} and one {quiet} question",
        "the {stone} thought of nothing but {drink}", "{flower.s} {begin.ed} to grow in both pockets of the {garment}",
        "a {tool} with no handle was worth {n2} {money.s}", "the {light} {change.ed} to {color} and then to {color}",
        "I asked the {animal}, which {rest.ed} and would not look at me",
        "they {look.ed} every {room} for the {strange} {part}",
        "{Person#1} paid in {fruit.s} and shook hands with the {weather}",
        "the {bad} {trade} sold the same {land} to {n2} {follower.s}",
        "the {way} {change.ed} its mind at every {building}", "a {measure} of {powder} fell on the {document}",
        "two {old} {trade.s} argued about the weight of a {sound}",
        "the {vehicle} would not start until it had heard a {song}",
        "{Person#1}'s {body} ached for the {land}", "every {container} in the house was full of {time}",
        "the {good} {kin} of the {trade} set a table for the {weather}",
        "{n3} {animal.s} stood around the {building} and said nothing",
        "the {scheme} was older than the {settlement}", "a {wanderer} offered me a {sky} in exchange for my {garment}",
        "the {food} {say.ed} its own name", "the {local} {game} was played with {fruit.s} and a {material} {part}",
        "I {carry.ed} the {furniture} to the {land} and waited", "the {event} went on without {Person#1}",
        "the {water} returned the {tool} we had thrown into it",
        "a {bird} {help.ed} the {trade} to count the {money.s}",
        "nothing in the {room} weighed more than a {insect}", "the {metal} {flower} opened for {n1} {period.s}",
    ]

    /// How a sentence may end; the blank ones let the clause end it.
    static let tails = [
        "", "", "", "", "", ", no louder than a {insect}", " and had no name for it",
        ", as the {document} had promised", ", and the {follower.s} pretended to sleep",
        ", which is why I never trust a {trade}", " until the {weather} took it back", ", and it smelled of {spice}",
        " with a {quiet} {sound}",
        ", and the {animal.s} knew why", ", to be returned in {month}", ", though no {evidence} was ever found",
        " while {Person} held the {light}",
        ", for {feeling} and for a {measure} of {spice}", ", and I still have the {part}",
        " like a {material} {vessel}", ", or so my {kin} told the {trade}",
        ", and every {bird} there is called {Person}", " as if {n2} {period.s} were nothing",
        ", and nobody spoke of {feeling} again",
        " in the manner of the {trade.s} of {Land}", ", {color} with {weather}", ", all but the {ordinal} one",
        ", and the {part} {ring.es} to this {period}",
        " for a {money} and a {food}", ", which the {group} denied",
    ]

    /// Pairs of words that rhyme, each of which can stand after "the".
    static let rhymes: [(String, String)] = [
        ("tide", "guide"), ("lamp", "stamp"), ("bell", "well"), ("snow", "crow"), ("gate", "slate"), ("door", "floor"),
        ("hill", "mill"), ("rain", "grain"), ("thread", "bread"), ("moon", "spoon"), ("vine", "line"), ("key", "sea"),
        ("tower", "hour"), ("clay", "bay"), ("boat", "coat"), ("wheel", "steel"), ("flame", "name"), ("lake", "cake"),
        ("stone", "throne"), ("tree", "bee"), ("wall", "hall"), ("chair", "stair"), ("road", "load"), ("clock", "lock"),
        ("shell", "spell"), ("string", "ring"), ("sail", "pail"), ("leaf", "thief"), ("nest", "guest"),
        ("tune", "dune"),
        ("brook", "book"), ("glass", "grass"), ("sand", "hand"), ("night", "light"), ("cellar", "teller"),
        ("meadow", "shadow"),
        ("feather", "weather"), ("letter", "sweater"), ("candle", "handle"), ("kettle", "metal"), ("ladder", "adder"),
        ("barrel", "quarrel"), ("fiddle", "riddle"), ("mountain", "fountain"), ("pocket", "locket"), ("table", "fable"),
        ("pillow", "willow"), ("mirror", "error"), ("lantern", "pattern"), ("button", "mutton"), ("marble", "garble"),
        ("drum", "plum"), ("skate", "plate"), ("cart", "heart"), ("crown", "town"), ("plough", "bough"),
    ]

    /// First halves of lines of verse.
    static let images = [
        "a {color} {animal} came to me", "the {trade} has {number} {tool.s}", "I {carry.ed} {n2} {container.s}",
        "my {kin} kept a {bird}",
        "the {weather} of {Town} lay down", "who took the {cloth} {garment}", "a {sound} of {metal} {part.s} went",
        "we {look.ed} for {feeling}",
        "no {wanderer} from {Land} will sleep", "{Person} {make.ed} a {document}", "o {quiet} {season}, lean",
        "the {insect.s} {say} {number} prayers",
        "put {spice} into the {drink}", "they sold me a {strange} {song}", "the {tree} and then the {tree} turned",
        "in {month} the {follower.s} {read}",
        "a {measure} of {powder}, {liquid}, salt", "do not {mock} the {animal}", "the {ordinal} {vessel} sailed",
        "{number} {bird.s} were {look.ing}",
        "when {Person} was {old}, all things leaned", "bring {fruit.s} and a {instrument}",
        "the {sky} {shine.es} alone", "the {group} has argued half the {time}",
        "I owe the {good} {trade} one {money}", "{n3} {light.s} were lit", "the {cold} {land} {rest.ed}",
        "a letter folded {number} times lay",
        "so {manner} the {vehicle} rolled", "my {body} is {material} now, I point",
        "{weather}, {weather}, then a {bird} flew", "the {kin} of {Person} {go.ed}",
        "a {texture} {stone} was all I had", "we danced one {song} and left", "{color} and {color} grew the {flower}",
        "I heard the {old} {furniture} {say} it",
    ]

    /// Second halves, up to the rhyme word.
    static let links = [
        "up the {way} beside the", "and cannot find the", "past the {building} to the", "much older than the",
        "down beside the", "out of reach of the",
        "through {number} {room.s} to the", "in the {land} and in the", "for want of the", "and hid it in the",
        "with me across the", "three times around the",
        "and {light.s} about the", "for half the price of the", "their backs upon the", "a little to the",
        "and all that is left of the", "that {rest.es} upon the",
        "{n1} miles beyond the", "by {light} for the", "a {color} hand toward the", "to wake the",
        "on the {water} and the", "over the end of the",
        "for letting go the", "in {Town} above the", "as {quiet} as the", "between my {body} and the",
        "without a {sound} to the", "for {Person}, at the",
        "against the", "and never saw the",
    ]
}
