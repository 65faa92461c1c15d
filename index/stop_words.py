"""Words of German and English that say nothing about what a text is about.

In small letters, as ``str.casefold`` makes them; a negation is none of them.

>>> "außer".casefold() in STOP_WORDS, "whose" in STOP_WORDS, "nicht" in STOP_WORDS
(True, True, False)
"""

STOP_WORDS = frozenset(
    "aber alle allem allen aller alles als also am an ander andere anderem anderen anderer anderes auch auf aus außer "
    "außerdem bei beim beispielsweise bereits bevor beziehungsweise bin bis bist bitte bzw da dabei dadurch dafür "
    "dagegen daher dahin damit danach daneben dann daran darauf daraus darf darin darüber darum das dass davon davor "
    "dazu dein deine deinem deinen deiner dem den denen denn dennoch der deren des deshalb dessen desto deswegen die "
    "dies diese diesem diesen dieser dieses doch dort du durch dürfen durfte ebenfalls ebenso ein eine einem einen "
    "einer eines einige einigen einiger er es etwa etwas euch euer eure eurem euren eurer falls für gegebenenfalls "
    "gegen gewesen geworden gibt hab habe haben hat hätte hatte hätten hatten hier hierbei hierfür hierzu hin hinter "
    "ich ihm ihn ihnen ihr ihre ihrem ihren ihrer ihres im immer in indem ins insbesondere insgesamt insofern "
    "insoweit ist je jede jedem jeden jedenfalls jeder jedes jedoch jemand jene jenem jenen jener jenes jetzt kann "
    "kannst können könnt könnte könnten machen man manche manchem manchen mancher mein meine meinem meinen meiner "
    "mich mir mit mittlerweile möchte möchten muss müssen müsst musst musste müsste mussten müssten nach nachdem "
    "nämlich nebst noch nun nur ob obwohl oder ohne schon sehr sei seid seien sein seine seinem seinen seiner "
    "seines seit sich sie sind so sobald sofern solange solch solche solchem solchen solcher solches soll sollen "
    "sollte sollten somit sondern sonst soweit sowie sowohl statt trotz trotzdem über um und uns unser unsere unserem "
    "unseren unserer unter usw viel viele vielen vielleicht vom von vor während wann war wäre waren wären warst warum "
    "was weil weiterhin welche welchem welchen welcher welches wem wen wenn wer werde werden weshalb wessen wie "
    "wieder wieso will wir wird wirst wo wobei wodurch wofür woher wohin wohl wollen wollte womit woran worauf woraus "
    "worin worüber worum wovon wozu wurde würde wurden würden zu zudem zugleich zum zumindest zur zwar zwischen "
    "a about after and any are as at be because been being both but by can cannot could did do does doesn during each "
    "for from had has have having he her hers him his how i if into is it its itself may me might must my nor of on "
    "only onto or our ours over shall she should some such than that the their theirs them then there these they this "
    "those through till to under until upon we were what when where whether which while who whoever whom whose why "
    "with would you your yours".casefold().split()
)
