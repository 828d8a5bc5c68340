/// The vocabulary that invented texts are filled from and that counterfactual siblings draw their words from.
///
/// Every word belongs to one class of words of the same kind and meaning, so that replacing a word by another of its
/// class keeps a sentence grammatical and likely.
enum WordBank {
    static let classes: [WordClass] = nouns + verbs + plain

    /// The classes by name.
    static let byName: [String: WordClass] = Dictionary(uniqueKeysWithValues: classes.map { ($0.name, $0) })

    /// Where a word form stands: its class, the word in it, and the form. Of several places the first counts.
    static let places: [String: (class: Int, word: Int, form: Int)] = {
        var places: [String: (class: Int, word: Int, form: Int)] = [:]
        for (classIndex, wordClass) in classes.enumerated() {
            for (wordIndex, forms) in wordClass.words.enumerated() {
                for (formIndex, form) in forms.enumerated() where places[form] == nil {
                    places[form] = (classIndex, wordIndex, formIndex)
                }
            }
        }
        return places
    }()

    private static let nouns: [WordClass] = [
        WordClass(
            "trade", .noun,
            """
            baker miller farmer sailor weaver tailor carpenter potter gardener shepherd hunter merchant trader vendor \
            clerk scholar scribe mason porter cook barber butcher glazier cooper tanner dyer saddler brewer beekeeper \
            lamplighter bookbinder locksmith clockmaker ferryman/ferrymen cartographer archivist librarian historian \
            astronomer meteorologist engineer mechanic captain pilot driver banker lawyer doctor nurse teacher painter \
            singer actor writer printer officer official warden ranger postmaster innkeeper jeweller roofer plumber \
            electrician surveyor accountant curator conductor
            """),
        WordClass(
            "wanderer", .noun,
            "settler traveler pilgrim drifter wanderer stranger visitor newcomer nomad rider walker guest passenger"),
        WordClass(
            "follower", .noun,
            """
            elder leader villager citizen resident student apprentice pupil member volunteer worker helper partner \
            rival neighbor colleague customer client patron owner tenant
            """),
        WordClass(
            "kin", .noun, "mother father sister brother cousin uncle aunt daughter niece nephew grandmother grandfather"
        ),
        WordClass(
            "animal", .noun,
            """
            fox/foxes otter badger hare mule donkey goat heron rabbit squirrel hedgehog beaver wolf/wolves bear \
            deer/deer lynx/lynxes weasel mole bat horse pony cow ox/oxen sheep/sheep dog cat marten boar stag
            """),
        WordClass(
            "bird", .noun,
            """
            sparrow robin crow magpie heron gull owl finch swallow wren thrush falcon kestrel goose/geese duck swan \
            plover crane
            """
        ),
        WordClass(
            "insect", .noun, "beetle cricket moth bee wasp ant dragonfly grasshopper spider snail firefly butterfly"),
        WordClass(
            "tree", .noun,
            "oak birch willow maple elm alder rowan hazel chestnut walnut cedar poplar larch juniper linden sycamore"),
        WordClass(
            "flower", .noun,
            """
            poppy daisy tulip violet foxglove marigold primrose lily clover thistle bluebell lavender iris/irises \
            peony cornflower
            """
        ),
        WordClass(
            "fruit", .noun,
            "apple pear plum cherry quince fig peach apricot gooseberry currant melon lemon orange walnut"),
        WordClass(
            "vegetable", .noun,
            "turnip carrot onion leek parsnip radish/radishes cabbage beet pumpkin bean lentil potato/potatoes"),
        WordClass(
            "spice", .noun, "pepper saffron cinnamon nutmeg ginger clove thyme rosemary fennel mustard cumin anise sage"
        ),
        WordClass(
            "food", .noun,
            "loaf/loaves pie cake dumpling biscuit pancake pudding stew soup cheese sausage omelette pretzel tart"),
        WordClass("drink", .noun, "cider tea coffee milk broth cordial lemonade cocoa ale mead juice syrup"),
        WordClass("metal", .noun, "copper tin iron silver brass bronze pewter steel lead zinc nickel"),
        WordClass(
            "stone", .noun,
            "pebble slate granite marble flint quartz amber opal garnet sandstone limestone basalt agate"),
        WordClass("cloth", .noun, "wool linen velvet silk cotton felt canvas denim lace muslin tweed flannel burlap"),
        WordClass(
            "tool", .noun,
            """
            hammer chisel needle shovel rake lathe anvil kettle ladle spindle loom trowel compass/compasses \
            lantern ladder pulley wrench broom sickle whetstone plough bellows/bellows
            """),
        WordClass(
            "container", .noun,
            """
            basket barrel bucket crate jar bottle chest trunk sack drawer satchel bowl jug casket cupboard envelope \
            box
            """
        ),
        WordClass(
            "furniture", .noun, "table chair bench stool desk wardrobe shelf/shelves bed cradle dresser cabinet couch"),
        WordClass(
            "garment", .noun,
            "coat scarf/scarves glove hat boot apron cloak shawl sleeve collar button stocking waistcoat"),
        WordClass("vehicle", .noun, "cart wagon carriage bicycle tram train truck bus van sled barrow tractor"),
        WordClass("vessel", .noun, "ferry barge canoe schooner raft dinghy trawler steamer lifeboat kayak galley"),
        WordClass(
            "building", .noun,
            """
            mill barn chapel library bakery lighthouse workshop warehouse station school inn tavern museum theatre \
            tower observatory windmill stable greenhouse boathouse factory cottage palace temple clinic hospital \
            courthouse house
            """),
        WordClass(
            "room", .noun,
            "kitchen attic cellar parlour pantry hallway study nursery vestry gallery studio laboratory"),
        WordClass("opening", .noun, "door window gate staircase chimney balcony doorstep fence archway shutter hatch"),
        WordClass("settlement", .noun, "village town city hamlet suburb port district parish borough settlement"),
        WordClass(
            "land", .noun,
            "valley hill meadow orchard moor ridge cliff field forest pasture heath dune canyon plateau island vineyard"
        ),
        WordClass(
            "water", .noun, "river lake stream pond bay harbour canal brook lagoon waterfall estuary marsh spring"),
        WordClass("way", .noun, "road street lane alley bridge path trail avenue causeway tunnel crossing square"),
        WordClass("weather", .noun, "rain snow fog frost hail thunder drizzle mist sleet wind breeze sunshine"),
        WordClass(
            "disaster", .noun, "flood earthquake landslide drought storm blizzard wildfire famine shipwreck avalanche"),
        WordClass("sky", .noun, "moon star comet cloud sunrise sunset rainbow eclipse planet horizon twilight meteor"),
        WordClass(
            "instrument", .noun,
            "fiddle flute drum harp trumpet cello clarinet lute bell accordion piano oboe whistle"),
        WordClass("song", .noun, "song hymn ballad lullaby waltz march tune melody anthem chorus rhyme refrain"),
        WordClass(
            "game", .noun, "chess draughts skittles bowls marbles dominoes hopscotch quoits archery fencing rowing"),
        WordClass(
            "document", .noun,
            "letter report ledger record map journal diary contract deed receipt manuscript register notebook"),
        WordClass("story", .noun, "story tale legend rumor fable saga myth novel poem anecdote riddle chronicle"),
        WordClass(
            "money", .noun, "coin fund wage grant loan debt payment tax/taxes fee donation pension salary penny/pennies"
        ),
        WordClass("crime", .noun, "theft fraud forgery bribery smuggling trespass perjury embezzlement espionage"),
        WordClass("scheme", .noun, "plot scheme conspiracy trick hoax scandal swindle intrigue bargain pact"),
        WordClass(
            "group", .noun,
            "clan family guild league tribe colony council committee society club order crew troupe coalition"),
        WordClass(
            "event", .noun,
            "festival parade wedding market fair concert election ceremony banquet meeting trial auction carnival"),
        WordClass("custom", .noun, "custom tradition ritual habit practice belief rite celebration"),
        WordClass("evidence", .noun, "evidence proof testimony document finding trace witness/witnesses source"),
        WordClass(
            "feeling", .noun, "joy grief anger envy hope fear pride shame sorrow patience doubt delight courage longing"
        ),
        WordClass(
            "insult", .noun, "coward fool liar thief/thieves snob cheat scoundrel rascal miser braggart weakling"),
        WordClass("body", .noun, "hand shoulder knee elbow finger ear nose chin wrist ankle heel thumb brow"),
        WordClass(
            "part", .noun, "handle hinge spring wheel lever knob blade rope chain hook nail screw ribbon thread cord"),
        WordClass("light", .noun, "lamp candle torch beacon spark flame ember bulb flare glow"),
        WordClass("sound", .noun, "whisper echo/echoes hum murmur rattle knock chime rumble creak sigh"),
        WordClass("powder", .noun, "dust ash soot sand chalk flour salt sawdust pollen clay gravel"),
        WordClass("liquid", .noun, "oil ink dew vinegar honey paint varnish wax dye resin"),
        WordClass(
            "subject", .noun,
            "history geometry botany chemistry grammar music astronomy geology poetry carpentry arithmetic biology"),
        WordClass("day", .noun, "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"),
        WordClass("month", .noun, "January February April June July August September October November December"),
        WordClass("season", .noun, "spring summer autumn winter"),
        WordClass("time", .noun, "morning evening afternoon night noon dawn dusk midnight"),
        WordClass("period", .noun, "hour minute week month year decade century fortnight"),
        WordClass("measure", .noun, "spoonful handful pinch/pinches cupful thimbleful bucketful drop slice"),
    ]

    private static let verbs: [WordClass] = [
        WordClass(
            "go", .verb,
            "walk wander travel sail march stroll ride/rides/rode/riding/ridden hurry climb drift return crawl"),
        WordClass("say", .verb, "whisper shout announce explain declare mutter promise reply argue mention"),
        WordClass("claim", .verb, "claim allege insist assert suggest state report"),
        WordClass("accuse", .verb, "accuse charge blame suspect denounce"),
        WordClass("mock", .verb, "mock ridicule insult belittle scorn taunt deride tease"),
        WordClass(
            "make", .verb,
            """
            carve build/builds/built/building/built weave/weaves/wove/weaving/woven paint sketch assemble forge craft \
            design invent
            """
        ),
        WordClass(
            "mend", .verb,
            "repair mend restore polish sharpen clean patch adjust rebuild/rebuilds/rebuilt/rebuilding/rebuilt"),
        WordClass("look", .verb, "watch study inspect examine observe survey measure record count compare"),
        WordClass("keep", .verb, "keep/keeps/kept/keeping/kept guard store collect gather save preserve protect"),
        WordClass(
            "carry", .verb, "carry haul drag lift deliver ship fetch bring/brings/brought/bringing/brought move load"),
        WordClass(
            "give", .verb,
            "lend/lends/lent/lending/lent offer donate sell/sells/sold/selling/sold trade supply share provide"),
        WordClass("help", .verb, "help assist guide support advise encourage serve"),
        WordClass("teach", .verb, "teach/teaches/taught/teaching/taught train coach mentor instruct tutor"),
        WordClass(
            "lead", .verb,
            "lead/leads/led/leading/led manage supervise organize coordinate direct run/runs/ran/running/run arrange"),
        WordClass("harm", .verb, "damage poison break/breaks/broke/breaking/broken burn ruin spoil flood destroy"),
        WordClass(
            "steal", .verb,
            "steal/steals/stole/stealing/stolen smuggle hide/hides/hid/hiding/hidden forge bury swap replace divert"),
        WordClass("begin", .verb, "begin/begins/began/beginning/begun start finish continue resume"),
        WordClass(
            "change", .verb,
            """
            turn bend/bends/bent/bending/bent fold stretch melt freeze/freezes/froze/freezing/frozen soften \
            shrink/shrinks/shrank/shrinking/shrunk
            """
        ),
        WordClass(
            "stir", .verb,
            "stir grind/grinds/ground/grinding/ground boil simmer pour strain knead sprinkle whisk dissolve warm cool"),
        WordClass(
            "think", .verb,
            "remember forget/forgets/forgot/forgetting/forgotten imagine wonder doubt believe expect guess"),
        WordClass("rest", .verb, "sleep/sleeps/slept/sleeping/slept wait rest linger pause settle"),
        WordClass("shine", .verb, "glow shimmer flicker sparkle glitter fade gleam"),
        WordClass(
            "ring", .verb,
            "ring/rings/rang/ringing/rung hum rattle chime whistle echo/echoes/echoed/echoing/echoed creak rumble"),
        WordClass(
            "grow", .verb, "plant water harvest prune sow/sows/sowed/sowing/sown pick dig/digs/dug/digging/dug weed"),
        WordClass(
            "read", .verb,
            "read/reads/read/reading/read recite copy translate print write/writes/wrote/writing/written memorize"),
    ]

    private static let plain: [WordClass] = [
        WordClass(
            "color", .plain,
            "red green blue yellow grey amber scarlet violet ivory crimson golden silver turquoise russet"),
        WordClass("material", .plain, "wooden copper leather woollen glass paper stone brass linen wicker tin clay"),
        WordClass("size", .plain, "small tiny narrow broad large tall short huge long wide little enormous"),
        WordClass("old", .plain, "old ancient new young worn rusty modern antique dusty weathered faded"),
        WordClass(
            "good", .plain, "kind gentle patient honest clever brave cheerful generous loyal polite careful wise"),
        WordClass(
            "bad", .plain, "greedy lazy dishonest cruel selfish corrupt vain careless stubborn cowardly reckless idle"),
        WordClass("quiet", .plain, "quiet silent calm still hushed peaceful lonely solemn muffled"),
        WordClass("cold", .plain, "cold warm damp dry icy mild humid chilly frosty"),
        WordClass(
            "texture", .plain, "smooth rough soft crooked hollow brittle tangled polished speckled striped folded"),
        WordClass(
            "local", .plain, "local regional national distant nearby northern southern eastern western coastal rural"),
        WordClass(
            "strange", .plain, "strange curious odd peculiar mysterious hidden forgotten secret unknown invisible"),
        WordClass("false", .plain, "false invented baseless fabricated imaginary unfounded fictional fake"),
        WordClass(
            "manner", .plain,
            "slowly quietly carefully gently eagerly calmly proudly politely secretly openly patiently boldly"),
        WordClass("often", .plain, "often sometimes rarely always usually seldom never frequently"),
        WordClass(
            "number", .plain,
            "two three four five six seven eight nine ten eleven twelve thirteen fifteen twenty thirty forty fifty"),
        WordClass("ordinal", .plain, "first second third fourth fifth sixth seventh eighth ninth tenth"),
    ]
}
