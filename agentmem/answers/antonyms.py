"""Pairs of opposite words, beside those that `agentmem.answers.contrasts` has by hand.

Taken from WordNet 3.0: the antonyms of which both are common words, without those that a prefix makes, and without
those that also stand for each other in questions (come and go). A few of the last lines are by hand.

This software and database is being provided to you, the LICENSEE, by Princeton University under the following license.
By obtaining, using and/or copying this software and database, you agree that you have read, understood, and will comply
with these terms and conditions.: Permission to use, copy, modify and distribute this software and database and its
documentation for any purpose and without fee or royalty is hereby granted, provided that you agree to comply with the
following copyright notice and statements, including the disclaimer, and that the same appear on ALL copies of the
software, database and documentation, including modifications that you make for internal use or for distribution.
WordNet 3.0 Copyright 2006 by Princeton University. All rights reserved. THIS SOFTWARE AND DATABASE IS PROVIDED "AS IS"
AND PRINCETON UNIVERSITY MAKES NO REPRESENTATIONS OR WARRANTIES, EXPRESS OR IMPLIED. BY WAY OF EXAMPLE, BUT NOT
LIMITATION, PRINCETON UNIVERSITY MAKES NO REPRESENTATIONS OR WARRANTIES OF MERCHANT- ABILITY OR FITNESS FOR ANY
PARTICULAR PURPOSE OR THAT THE USE OF THE LICENSED SOFTWARE, DATABASE OR DOCUMENTATION WILL NOT INFRINGE ANY THIRD PARTY
PATENTS, COPYRIGHTS, TRADEMARKS OR OTHER RIGHTS. The name of Princeton University or Princeton may not be used in
advertising or publicity pertaining to distribution of the software and/or database. Title to copyright in this
software, database and any associated documentation shall at all times remain with Princeton University and LICENSEE
agrees to preserve same.
"""

ANTONYMS = """
dark/light general/local half/whole dead/live dead/alive common/individual black/white future/past difficult/easy
right/wrong thin/fat former/latter general/specific dull/sharp thick/thin loud/soft hard/soft complex/simple
close/distant active/quiet round/square poor/rich lean/fat late/middle early/middle dry/sweet flat/sharp
familiar/strange evil/good rough/smooth actual/potential northern/southern eastern/western dull/bright forward/reverse
loose/tight conventional/nuclear bottom/side neutral/positive negative/neutral mental/physical conservative/liberal
abstract/concrete found/lost ordinary/extraordinary absent/present smart/stupid moving/still ill/well following/leading
tender/tough objective/subjective intermediate/terminal civilian/military asleep/awake useful/useless joint/separate
friendly/hostile fancy/plain delicate/rugged deaf/hearing busy/idle hollow/solid bare/covered backward/forward
junior/senior intense/mild inner/outer green/ripe gradual/sudden gradual/steep analytic/synthetic seated/standing
religious/secular numerical/verbal naive/sophisticated multiple/single humble/proud greater/lesser foolish/wise
downstairs/upstairs dominant/subordinate deep/shallow artificial/natural active/passive natural/supernatural fair/foul
curved/straight constructive/destructive central/peripheral acute/chronic sour/sweet profound/superficial noisy/quiet
new/worn meaningful/meaningless inferior/superior exterior/interior empirical/theoretical direct/inverse compact/loose
careful/careless beautiful/ugly anterior/posterior spoken/written sparkling/still hopeful/hopeless figurative/literal
explicit/implicit clear/opaque calm/stormy adopted/native tame/wild relaxed/tense oblique/parallel nominal/real
nasty/nice maximal/minimal live/recorded integrated/segregated instrumental/vocal fresh/salty fresh/preserved
falling/rising exclusive/inclusive downtown/uptown divided/united defensive/offensive curly/straight crooked/straight
continental/intercontinental coarse/fine blessed/cursed awkward/graceful automatic/manual annual/perennial
active/dormant valuable/worthless prospective/retrospective powerful/powerless lowland/upland lax/tense
induced/spontaneous hungry/thirsty harmful/harmless fresh/stale frail/robust fertile/sterile extensive/intensive
clear/cloudy applied/theoretical adjective/substantive abundant/scarce abnormal/normal wired/wireless rested/tired
patterned/plain parallel/perpendicular obligatory/optional minus/plus midi/mini maxi/mini maxi/midi medical/surgical
maternal/paternal heterosexual/homosexual federal/unitary extant/extinct equatorial/polar endemic/epidemic
earthly/heavenly dorsal/ventral deciduous/evergreen cubic/linear contracted/expanded concentrated/distributed
coastal/inland blind/sighted annual/biennial biennial/perennial aquatic/terrestrial analogue/digital
amphibious/terrestrial amphibious/aquatic alternating/direct aft/fore affirmative/negative adoptive/biological
active/extinct foot/head fall/rise express/local demand/supply father/mother gain/loss head/rear
concentration/distribution silence/sound defeat/victory sink/source absence/presence peace/war end/middle
beginning/middle pain/pleasure dead/living despair/hope daughter/son particular/universal king/queen
brother/sister danger/safety decline/improvement lady/lord foe/friend amateur/professional advance/retreat cash/credit
head/tail separation/union comedy/tragedy capitalism/socialism birth/death penalty/reward heaven/hell
competition/cooperation analysis/synthesis poverty/wealth follower/leader intelligence/stupidity bear/bull
acceptance/rejection guilt/innocence complexity/simplicity host/parasite defense/prosecution defense/offense aunt/uncle
acquaintance/stranger folly/wisdom consonant/vowel happiness/sadness dove/hawk asset/liability nephew/niece
deficit/surplus contraction/expansion ancestor/descendant adult/juvenile sunrise/sunset sleeping/waking
narrowing/widening integration/segregation illness/wellness highland/lowland hardware/software hardness/softness
fauna/flora exclusion/inclusion defence/offence ascent/descent often/rarely heavily/lightly partly/wholly badly/well
permanently/temporarily accidentally/deliberately broadly/narrowly lie/stand sit/stand find/lose rise/set rise/fall
break/repair ride/walk forget/mind admit/deny enjoy/suffer cry/laugh hit/miss attend/miss advance/back avoid/confront
cool/heat gather/spread ignore/notice fail/manage attack/defend admit/reject fire/hire shout/whisper bounce/clear
contract/expand float/sink delay/rush bend/straighten cheer/complain sleep/wake divide/unite discharge/enlist
resist/surrender profit/lose boil/freeze narrow/widen idle/work shrink/stretch blur/focus bless/curse erase/record
conserve/waste enforce/exempt assent/dissent maximize/minimize prefix/suffix lengthen/shorten thicken/thin
soften/harden loosen/tighten sharpen/blunt brighten/dim stiffen/relax accelerate/decelerate inflate/deflate
ascend/descend interstate/intrastate prewar/postwar addition/subtraction multiply/divide failure/success
odd/even hypertension/hypotension export/import emigrate/immigrate
"""
"""Separated by white space; neither word of a pair must stand for the other."""
